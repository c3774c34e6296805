"""Payments: how it is paid."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        from payments import checks, protection, scopes, tasks  # noqa: F401, PLC0415 - apps load first

        protection.register()
        scopes.register()
