"""evbilling.demo (see README.md)."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "evbilling.demo"
    label = "demo"
