"""Whom we deal with, what the terms speak of, and the terms."""
