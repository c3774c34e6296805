"""The shell app: templates, static files and template tags that every face shares. It owns no table."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShellConfig(AppConfig):
    """Registers the template tags and static files."""

    name = "evbilling.shell"
    label = "shell"
    verbose_name = _("Shell")
