"""Contracts: parties, sites, stations, vehicles, tokens, cost centres; contracts and tariffs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = _("Contracts")

    def ready(self) -> None:
        from contracts import checks, protection, scopes  # noqa: F401, PLC0415 - apps load first

        protection.register()
        scopes.register()
