"""The kernel: money, clock, errors, locks, outbox, audit. Small, without business words."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class KernelConfig(AppConfig):
    name = "evbilling.kernel"
    label = "kernel"
    verbose_name = _("System")

    def ready(self) -> None:
        from evbilling.kernel.protection import install_protections  # noqa: PLC0415 - needs loaded models

        post_migrate.connect(install_protections, dispatch_uid="kernel.protection")
