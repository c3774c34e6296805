"""The API: prices for programs; later what else they may ask and say."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "evbilling.api"
    label = "api"

    def ready(self) -> None:
        from evbilling.api import schema  # noqa: F401, PLC0415 - tells the schema about the tokens, needs loaded apps
