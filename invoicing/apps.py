"""Invoicing: what is owed: runs, documents, delivery, allocations, the ledger."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InvoicingConfig(AppConfig):
    name = "invoicing"
    verbose_name = _("Invoicing")

    def ready(self) -> None:
        from invoicing import protection, scopes, tasks  # noqa: F401, PLC0415 - tasks register handlers

        protection.register()
        scopes.register()
