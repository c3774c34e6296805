"""For which company a visitor acts, and what the navigation of that company holds."""

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from contracts.models import Membership, PartyKind
from evbilling.shell.portal_frame import Company, NavigationItem, PortalFrame
from evbilling.shell.views import portal_page

SESSION_KEY = "portal_party"
"""The company chosen last, by primary key; one that is not the visitor's (any more) is passed over."""

_DOCUMENTS = {
    PartyKind.PROPERTY_OWNER: _("Settlements"),
    PartyKind.EV_DRIVER: _("Receipts"),
}


def memberships_of(request: HttpRequest) -> Sequence[Membership]:
    """The visitor's active memberships by the company's name; one query a request."""
    if not hasattr(request, "portal_memberships"):
        request.portal_memberships = list(  # type: ignore[attr-defined]
            Membership.objects.filter(user=request.user.pk, active=True)
            .select_related("party")
            .order_by("party__legal_name", "pk")
        )
    return request.portal_memberships  # type: ignore[attr-defined]


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership of the company chosen in this session, else the first; None for strangers."""
    found = memberships_of(request)
    chosen = request.session.get(SESSION_KEY)
    return next((each for each in found if each.party_id == chosen), found[0] if found else None)


def frame_of(request: HttpRequest) -> PortalFrame:
    """What stands around each page of the visitor's company."""
    membership = current_membership(request)
    if membership is None:
        return PortalFrame()
    party = membership.party
    return PortalFrame(
        navigation=_navigation(PartyKind(party.kind)),
        company=party.legal_name,
        companies=[
            Company(each.party_id, each.party.legal_name, each.party_id == party.pk) for each in memberships_of(request)
        ],
        switch_url=reverse("portal:switch_company"),
    )


def _navigation(kind: PartyKind) -> list[NavigationItem]:
    items = [NavigationItem(_("Overview"), reverse("portal:home"), "home")]
    items.append(NavigationItem(pgettext("navigation", "Sessions"), reverse("portal:sessions"), "bolt"))
    if kind not in {PartyKind.PROPERTY_OWNER, PartyKind.EV_DRIVER}:
        items.append(NavigationItem(_("Vehicles"), reverse("portal:vehicles"), "car"))
    items.append(NavigationItem(_DOCUMENTS.get(kind, _("Invoices")), reverse("portal:invoices"), "invoice"))
    items.append(NavigationItem(_("Contract"), reverse("portal:contracts"), "contract"))
    items.append(NavigationItem(pgettext("navigation", "Company"), reverse("portal:company"), "building"))
    return items


@require_POST
@portal_page
def switch_company(request: HttpRequest) -> HttpResponse:
    """Act for another of the visitor's companies from now on. Raises Http404 for one that is not theirs."""
    wanted = request.POST.get("company", "")
    chosen = next((each for each in memberships_of(request) if str(each.party_id) == wanted), None)
    if chosen is None:
        raise Http404("The visitor does not act for that company.")
    request.session[SESSION_KEY] = chosen.party_id
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return redirect(target if safe else reverse("portal:home"))
