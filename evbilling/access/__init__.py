"""Users, roles, the forced second factor and the row scope."""
