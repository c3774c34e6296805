"""evbilling.portal (see README.md)."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "evbilling.portal"
    label = "portal"
