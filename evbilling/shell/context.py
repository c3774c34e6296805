"""Template context of every page: brand, mode, environment badge, and the portal's frame."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from evbilling.shell.portal_frame import active_item, frame_of

ENVIRONMENT_BADGES = {
    "demo": {"label": _("Demo"), "tone": "info"},
    "staging": {"label": _("Staging"), "tone": "warning"},
    "live": None,
}
"""Live carries no badge: what looks different is what is not real."""


def shell(request: HttpRequest) -> dict[str, Any]:
    """The names that the base templates use; the portal's frame is looked up only where a page shows it."""
    frame = SimpleLazyObject(lambda: frame_of(request) if hasattr(request, "user") else None)
    return {
        "brand_name": settings.UNFOLD["SITE_TITLE"],
        "mode": settings.MODE,
        "environment_badge": ENVIRONMENT_BADGES[settings.MODE],
        "second_factor_relaxed": settings.DEMO_RELAXES_SECOND_FACTOR,
        "languages": settings.LANGUAGES,
        "portal_frame": frame,
        "portal_navigation": SimpleLazyObject(lambda: frame.navigation),
        "portal_active": SimpleLazyObject(lambda: active_item(frame.navigation, request.path)),
        "portal_company": SimpleLazyObject(lambda: frame.company),
        "portal_companies": SimpleLazyObject(lambda: frame.companies),
        "portal_switch_url": SimpleLazyObject(lambda: frame.switch_url),
    }
