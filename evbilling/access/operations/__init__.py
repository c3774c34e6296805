"""Every change of users, roles and their factors."""
