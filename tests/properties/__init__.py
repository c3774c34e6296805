"""Properties of the whole: states of money under any order of operations."""
