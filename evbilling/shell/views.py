"""View bases of the portal: sign-in, membership, 404 for whatever is not the visitor's own (I20); files as answers."""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import wraps
from typing import Any, ClassVar, overload

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views import View
from django_htmx.http import HttpResponseClientRedirect

from evbilling.access.scope import visible
from evbilling.kernel.spreadsheet import BOM, guard
from evbilling.shell.portal_frame import membership_of

PageView = Callable[..., HttpResponseBase]
_SHOWN = frozenset({"application/pdf"})
"""Types that a browser may show in its window; everything else is saved, so that no file of ours can run."""


def file_response(content: bytes, content_type: str, name: str, *, show: bool) -> HttpResponse:
    """The bytes of a file; in the browser's window only where it is asked for and the type is harmless."""
    saved = not (show and content_type in _SHOWN)
    headers = {"Content-Disposition": content_disposition_header(saved, name), "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=content_type, headers=headers)


class _Echo:
    def write(self, value: str) -> str:
        return value


def csv_response(rows: Iterable[Iterable[object]], name: str) -> StreamingHttpResponse:
    """A CSV file, sent while its rows are read: UTF-8 with the mark that spreadsheets look for, cells no formula."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield BOM
        for row in rows:
            yield writer.writerow([guard(cell) for cell in row])

    headers = {"Content-Disposition": content_disposition_header(True, name), "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8", headers=headers)


def _admit(request: HttpRequest, roles: Collection[str]) -> HttpResponse | None:
    """None when the visitor may enter, the way to the sign-in page for the anonymous. Raises Http404 for strangers."""
    if not request.user.is_authenticated:
        answer = redirect_to_login(request.get_full_path())
        return HttpResponseClientRedirect(answer.url) if getattr(request, "htmx", False) else answer
    membership = membership_of(request)
    if membership is None or (roles and membership.role not in roles):
        raise Http404("The visitor has no membership that opens this page.")
    return None


class PortalView(View):
    """Base of the portal's class-based pages; list it first: `class SessionList(PortalView, TemplateView)`.

    `membership` is the visitor's own; `portal_roles` names the membership roles that may enter, empty means each.
    """

    portal_roles: ClassVar[Collection[str]] = frozenset()
    membership: Any

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Admit the visitor, then go on. Raises Http404 for strangers, so that an address gives nothing away."""
        answer = _admit(request, self.portal_roles)
        if answer is not None:
            return answer
        self.membership = membership_of(request)
        return super().dispatch(request, *args, **kwargs)


@overload
def portal_page(view: PageView) -> PageView: ...
@overload
def portal_page(view: None = None, *, roles: Collection[str] = ...) -> Callable[[PageView], PageView]: ...
def portal_page(view: PageView | None = None, *, roles: Collection[str] = frozenset()) -> Any:
    """The same admission for function views, which then read `membership_of(request)`."""

    def decorate(page: PageView) -> PageView:
        @wraps(page)
        def admitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return _admit(request, roles) or page(request, *args, **kwargs)

        return admitted

    return decorate if view is None else decorate(view)


def find_visible[M: Model](queryset: QuerySet[M], user: Any, **lookup: Any) -> M:
    """The one row that matches and that the user may see. Raises Http404 for a stranger's row as for a missing one."""
    try:
        return visible(queryset, user).get(**lookup)
    except (ObjectDoesNotExist, ValueError):
        raise Http404(f"No {queryset.model._meta.verbose_name} of this visitor matches.") from None
