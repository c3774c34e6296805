"""The access app: who may sign in, and what each may see and do."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    """Wires the framework's own hooks: role permissions after migrate, sign-in records, the admin's sign-in page."""

    name = "evbilling.access"
    label = "access"
    verbose_name = _("Access")

    def ready(self) -> None:
        """Connect after every model is loaded."""
        from allauth.account.decorators import secure_admin_login  # noqa: PLC0415
        from django.contrib import admin  # noqa: PLC0415

        from evbilling.access import mails, signins  # noqa: F401, PLC0415 - register themselves, need loaded models
        from evbilling.access.roles import grant_role_permissions  # noqa: PLC0415

        post_migrate.connect(grant_role_permissions, dispatch_uid="access.grant_role_permissions")
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
