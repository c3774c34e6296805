"""By whose clock the staff read and write times: the operator's."""

from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from contracts.models import Operator

WORKSPACE = "/admin/"
KEPT_SECONDS = 30


class OperatorsClock:
    """Pages of the workspace are drawn, and their forms read, in the operator's zone.

    Where several operators keep different zones, or there is none yet, TIME_ZONE holds. What has a zone of its own (a
    site, a contract) is shown in that, as on every page of the portal. The answer is kept for half a minute, as the
    counts of the sidebar are.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not (request.path_info.startswith(WORKSPACE) and request.user.is_authenticated):
            return self.get_response(request)
        with timezone.override(cache.get_or_set("workspace.zone", _common_zone, KEPT_SECONDS)):
            return self.get_response(request)


def _common_zone() -> str:
    """The one zone of all operators, or that of the settings."""
    zones = list(Operator.objects.order_by().values_list("zone", flat=True).distinct()[:2])
    return zones[0] if len(zones) == 1 else settings.TIME_ZONE
