"""The API for programs (see README.md)."""
