"""Dates of the admin and of templates as evbilling.shell.formats writes them: day before month, the zone said."""
