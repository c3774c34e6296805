"""Invoicing: what is owed: runs, documents, delivery, allocations, the ledger."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class InvoicingConfig(AppConfig):
    name = "invoicing"
    verbose_name = _("Invoicing")

    def ready(self) -> None:
        # Apps load first; tasks register the outbox handlers, checks their part of check_books.
        from invoicing import checks, protection, scopes, tasks  # noqa: F401, PLC0415
        from invoicing.operations.reference_rates import seed_reference_rates  # noqa: PLC0415
        from invoicing.queries.charges import all_credited  # noqa: PLC0415
        from sessions.operations.holds import answer_for_documents  # noqa: PLC0415

        protection.register()
        scopes.register()
        answer_for_documents(all_credited)
        post_migrate.connect(seed_reference_rates, sender=self)
