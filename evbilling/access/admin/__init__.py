"""Who may come in, in the workspace: people and the programs that act for them."""

from evbilling.access.admin import tokens, users  # noqa: F401 - each registers its pages
