"""Reads of the workspace across all apps: a fixed number of queries each, no side effects."""
