"""How sessions of PostgreSQL are set, wherever one is opened."""

POSTGRESQL_OPTIONS = {"options": "-c cursor_tuple_fraction=1.0"}
"""For OPTIONS of a database in the settings: what is read through a cursor is read to its end, so it is planned for all
rows, not for the first tenth.
"""
