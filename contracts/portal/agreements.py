"""The document of a contract for its party: on the contract's page, and behind the link of the offer's mail."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts.documents.mail import file_name
from contracts.models import (
    Acknowledgement,
    Contract,
    ContractDocument,
    ContractState,
    ContractVersion,
    Side,
    VersionState,
)
from contracts.operations.agreements import acknowledge_as_party, acknowledge_by_link
from contracts.queries import parties_of
from contracts.queries.agreements import (
    OPEN_STATES,
    LinkFacts,
    LinkState,
    OfferLink,
    all_acknowledgements,
    documents_of,
    facts_of_link,
    may_acknowledge,
    read_link,
)
from evbilling.access.acting import acting_user
from evbilling.access.scope import visible
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BillingError
from evbilling.shell.views import file_response, find_visible, portal_page


@dataclass(frozen=True, slots=True)
class PortalPaper:
    """A version's document with both sides; `is_open`: the party's word is still missing and would count."""

    version: ContractVersion
    document: ContractDocument | None
    party: Acknowledgement | None
    operator: Acknowledgement | None
    is_open: bool


def papers_of(contract: Contract, versions: Sequence[ContractVersion]) -> list[PortalPaper]:
    """The approved versions of a contract, given in the order in which they begin, with their documents; the latest
    first. Two queries.
    """
    documents = documents_of(versions)
    acknowledged = all_acknowledgements(versions, documents)
    today = local_date(timezone.now(), contract.zone)
    begun = [version.valid_from for version in versions if version.valid_from <= today]
    papers = []
    for version in reversed(versions):
        done, document = acknowledged.get(version.pk, {}), documents.get(version.pk)
        waits = Side.PARTY not in done and document is not None and contract.state in OPEN_STATES
        is_replaced = bool(begun) and version.valid_from < begun[-1]
        papers.append(
            PortalPaper(
                version,
                document,
                done.get(Side.PARTY),
                done.get(Side.OPERATOR),
                is_open=waits and not is_replaced,
            )
        )
    return papers


def _own_version(request: HttpRequest, number: str, version: int) -> ContractVersion:
    """An approved version of a contract of the visitor's own companies, staff included. Raises Http404."""
    mine = visible(Contract.objects.exclude(state=ContractState.DRAFT), request.user)
    contract = find_visible(mine.filter(party__in=parties_of(request.user)), request.user, number=number)
    rows = visible(ContractVersion.objects.select_related("contract__operator", "contract__party"), request.user)
    found = rows.filter(contract=contract, number=version, state=VersionState.APPROVED).first()
    if found is None:
        raise Http404("There is no such version.")
    return found


@never_cache
@require_safe
@portal_page
def contract_document(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """The archived PDF of a version, in its latest edition."""
    found = _own_version(request, number, version)
    document = visible(ContractDocument.objects.filter(version=found), request.user).order_by("-edition").first()
    if document is None:
        raise Http404("The document is not drawn yet.")
    return _pdf(document, found)


@never_cache
@require_POST
@portal_page
def acknowledge(request: HttpRequest, number: str, version: int) -> HttpResponse:
    """The party's word for the document that the page showed."""
    found = _own_version(request, number, version)
    if not may_acknowledge(request.user, found.contract.party):
        raise Http404("Only managers and signatories acknowledge.")
    try:
        acknowledge_as_party(
            version_id=found.pk,
            sha256=request.POST.get("sha256", ""),
            by=acting_user(request),
            at=timezone.now(),
            address=_address(request),
        )
    except BillingError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Thank you: version %(number)s is acknowledged.") % {"number": found.number})
    return redirect("portal:contract", number=number)


def _link(token: str) -> tuple[OfferLink, LinkFacts]:
    link = read_link(token)
    facts = facts_of_link(link, timezone.now()) if link is not None else None
    if link is None or facts is None:
        raise Http404("This installation did not sign such a link.")
    return link, facts


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def agreement(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind a mailed link: facts, the file, and a name with a button. Opening it changes nothing."""
    link, facts = _link(token)
    error, name = "", facts.contact.name if facts.contact else ""
    with override(facts.document.language):
        if request.method == "POST":
            name = request.POST.get("name", "")
            try:
                acknowledge_by_link(link=link, name=name, at=timezone.now(), address=_address(request))
            except BillingError as refusal:
                error = refusal.message
            else:
                return redirect("agreement", token=token)
            link, facts = _link(token)
        context = {
            "facts": facts,
            "contract": facts.version.contract,
            "state": facts.state.value,
            "is_open": facts.state is LinkState.OPEN,
            "shows_file": facts.state in {LinkState.OPEN, LinkState.DONE},
            "token": token,
            "until": link.until,
            "name": name,
            "error": error,
        }
        page = render(request, "portal/contracts/agreement.html", context, status=400 if error else 200)
    page.headers["Referrer-Policy"] = "same-origin"  # the address is a key; no-referrer would take Origin off the POST
    return page


@never_cache
@require_safe
def agreement_document(request: HttpRequest, token: str) -> HttpResponse:
    """The file behind a mailed link, as long as it can be acknowledged or was."""
    link, facts = _link(token)
    if facts.state not in {LinkState.OPEN, LinkState.DONE}:
        return redirect("agreement", token=token)
    document = ContractDocument.objects.get(version=facts.version, sha256=link.sha256)
    return _pdf(document, facts.version)


def _pdf(document: ContractDocument, version: ContractVersion) -> HttpResponse:
    return file_response(bytes(document.content), "application/pdf", file_name(version), show=True)


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
