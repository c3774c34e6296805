"""Contracts: parties, sites, stations, vehicles, tokens, cost centres; contracts and tariffs."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = _("Contracts")

    def ready(self) -> None:
        # Apps load first; tasks register the outbox handlers.
        from contracts import checks, protection, scopes, tasks  # noqa: F401, PLC0415

        protection.register()
        scopes.register()
