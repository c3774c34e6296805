"""How Django itself writes dates, in lists and forms of the workspace: as evbilling.shell.formats does."""
