"""Three gates in front of every view: the staff's second factor, the staff's session limits, the admin's own CSP."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from evbilling.access.models import User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""What counts as a second factor; recovery codes alone do not."""
OPEN_WITHOUT_FACTOR = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_list_webauthn",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "account_reauthenticate",
        "account_login",
        "account_logout",
        "set_language",
        "healthz",
        "readyz",
    }
)
SIGNED_IN_AT = "signed_in_at"
ACTIVE_AT = "active_at"
ACTIVITY_STEP_SECONDS = 20
"""Activity is noted at most this often, so that reading pages does not write a session row each time."""
ACCESS_STEP = dt.timedelta(hours=1)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def has_second_factor(user: Any) -> bool:
    """Whether the user enrolled an authenticator app or a passkey."""
    return is_mfa_enabled(user, types=list(FACTORS))


def _send_to(request: HttpRequest, url: str, reason: str) -> HttpResponse:
    """Lead a page, a fragment or a script there; a script gets a sentence instead of a page it cannot read."""
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(url)
    if request.accepts("text/html"):
        return HttpResponseRedirect(url)
    return JsonResponse({"code": "not_allowed", "detail": reason}, status=403)


class SecondFactorRequired:
    """Staff without a second factor reach only its enrolment and the way out (PCI DSS 8.4).

    allauth asks for a factor that exists; it does not force anyone to have one. In demo mode
    DEMO_RELAXES_SECOND_FACTOR lets staff pass, and every page says so in a banner.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Runs once the address is resolved, before any view."""
        user = request.user
        if not (user.is_authenticated and user.is_staff) or settings.DEMO_RELAXES_SECOND_FACTOR:
            return None
        match = request.resolver_match
        if (match is not None and match.view_name in OPEN_WITHOUT_FACTOR) or has_second_factor(user):
            return None
        return _send_to(
            request, reverse("mfa_index"), _("Set up a second factor (authenticator app or passkey) before you go on.")
        )


class SessionLimits:
    """Staff sessions end after 15 minutes without activity and after 8 hours in any case (PCI DSS 8.2.8, ASVS 7.3).

    A polling fragment (htmx with ?poll) is the page's activity, not the person's: it does not keep a session alive.
    Pages of signed-in users are not stored by browsers or proxies (ASVS 14.3.2).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        now = timezone.now()
        if user.is_staff:
            expired = self._expired(request, int(now.timestamp()))
            if expired:
                logout(request)
                return _send_to(request, self._sign_in_again(request, expired), _("The session has ended; sign in."))
        if user.last_access_at is None or now - user.last_access_at > ACCESS_STEP:
            User.objects.filter(pk=user.pk).update(last_access_at=now)
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store, private"
        return response

    @staticmethod
    def _expired(request: HttpRequest, now: int) -> str:
        """Which limit is passed, "" for none; notes the activity of a request that counts."""
        session = request.session
        signed_in_at = session.setdefault(SIGNED_IN_AT, now)
        active_at = session.setdefault(ACTIVE_AT, now)
        if now - signed_in_at >= settings.STAFF_ABSOLUTE_SECONDS:
            return "absolute"
        if now - active_at >= settings.STAFF_IDLE_SECONDS:
            return "idle"
        is_poll = bool(request.headers.get("HX-Request")) and "poll" in request.GET
        if not is_poll and now - active_at >= ACTIVITY_STEP_SECONDS:
            session[ACTIVE_AT] = now
        return ""

    @staticmethod
    def _sign_in_again(request: HttpRequest, limit: str) -> str:
        query = QueryDict(mutable=True)
        if request.method == "GET" and not request.headers.get("HX-Request"):
            query["next"] = request.get_full_path()
        query["ended"] = limit
        return f"{settings.LOGIN_URL}?{query.urlencode(safe='/')}"


class AdminContentSecurityPolicy:
    """The admin's pages get their own policy; everything else keeps the strict one (SECURITY, ASVS 3.4).

    It stands inside ContentSecurityPolicyMiddleware, which reads `_csp_config` on the way out.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path_info.startswith("/admin/") and not hasattr(response, "_csp_config"):
            response._csp_config = settings.ADMIN_CSP  # type: ignore[attr-defined]
        return response
