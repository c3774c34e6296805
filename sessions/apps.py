"""Sessions: what was consumed, its intake, its quality and its price."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    """django.contrib.sessions owns the label `sessions`, so this app is `charging`."""

    name = "sessions"
    label = "charging"
    verbose_name = _("Charging sessions")

    def ready(self) -> None:
        from contracts.operations.ending import answer_for_sessions  # noqa: PLC0415
        from sessions import checks, protection, scopes  # noqa: F401, PLC0415 - apps load first
        from sessions.operations.contract_ends import sessions_after  # noqa: PLC0415

        protection.register()
        scopes.register()
        answer_for_sessions(sessions_after)
