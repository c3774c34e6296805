"""Payments: how it is paid."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        from invoicing.queries.dunning import answer_for_payments  # noqa: PLC0415
        from payments import checks, protection, scopes, tasks  # noqa: F401, PLC0415 - apps load first
        from payments.queries import under_way  # noqa: PLC0415

        answer_for_payments(under_way)
        protection.register()
        scopes.register()
