"""How sessions of PostgreSQL are set, wherever one is opened."""

POSTGRESQL_OPTIONS = {
    "options": " ".join(
        (
            # What is read through a cursor is read to its end: plan for all rows, not for the first tenth.
            "-c cursor_tuple_fraction=1.0",
        )
    )
}
"""For OPTIONS of a database in the settings."""
