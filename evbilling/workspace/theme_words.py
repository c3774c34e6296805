"""Words that our catalogue must hold although no source of ours says them, or another app's source does."""

from django.utils.translation import gettext_noop

# The admin theme ships no catalogue of its own.
THEME_WORDS = (
    gettext_noop("All applications"),
    gettext_noop("Apply Filters"),
    gettext_noop("Available shortcuts"),
    gettext_noop("Change History"),
    gettext_noop("Changelist shortcuts"),
    gettext_noop("Choose file to upload"),
    gettext_noop("Code"),
    gettext_noop("Collapse"),
    gettext_noop("Command tool shortcuts"),
    gettext_noop("Create new record"),
    gettext_noop("Dark"),
    gettext_noop("Date from"),
    gettext_noop("Date to"),
    gettext_noop("General"),
    gettext_noop("Global shortcuts"),
    gettext_noop("Go back"),
    gettext_noop("Light"),
    gettext_noop("Navigate"),
    gettext_noop("No data"),
    gettext_noop("No results found"),
    gettext_noop("Nothing matched your search"),
    gettext_noop("Open command tool"),
    gettext_noop("Open selection"),
    gettext_noop("Open selection in new tab"),
    gettext_noop("Open shortcuts list"),
    gettext_noop("Recent searches"),
    gettext_noop("Record picture"),
    gettext_noop("Reset filters"),
    gettext_noop("Return to site"),
    gettext_noop("Run"),
    gettext_noop("Search apps and models..."),
    gettext_noop("Select action"),
    gettext_noop("Select action to run"),
    gettext_noop("Select record"),
    gettext_noop("Select value"),
    gettext_noop("This page yielded into no results."),
    gettext_noop("Toggle dark/light mode"),
    gettext_noop("Toggle filter"),
    gettext_noop("Toggle password visibility"),
    gettext_noop("Toggle sidebar"),
    gettext_noop("Type to search"),
    gettext_noop("Value"),
    gettext_noop("Welcome"),
    gettext_noop("Welcome back to"),
    gettext_noop("You have been successfully logged out from the administration"),
)

# Django says these, and its German does not have them yet.
DJANGO_WORDS = (gettext_noop("- Select an option -"),)

# Packages translate these too, and otherwise; only the frame's catalogue stands before theirs.
OUR_MEANING = (
    gettext_noop("created"),
    gettext_noop("sent"),
    gettext_noop("session"),
    gettext_noop("sessions"),
    gettext_noop("token"),
)
