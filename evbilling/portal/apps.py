"""The customer portal: home, navigation and addresses (see README.md)."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "evbilling.portal"
    label = "portal"

    def ready(self) -> None:
        from evbilling.portal.membership import current_membership, frame_of  # noqa: PLC0415 - apps load first
        from evbilling.shell.portal_frame import register_portal  # noqa: PLC0415

        register_portal(membership=current_membership, frame=frame_of)
