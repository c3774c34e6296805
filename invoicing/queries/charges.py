"""Session charges as billing reads them: in one query however many there are."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from contracts.models import Contract, Site
from evbilling.kernel.clock import Period, start_of_day
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceState
from sessions.models import ChargingSession, Hold, HoldState, SessionCharge

_COLUMNS = {
    "charge_id": "pk",
    "role": "role",
    "session_pk": "session_id",
    "session_ref": "session__provider_ref",
    "ended_at": "session__ended_at",
    "energy_wh": "session__energy_wh",
    "stated_rate": "vat_rate",
    "net": "net_amount",
    "charge_currency": "currency",
    "cost_centre_code": "session__cost_centre__code",
    "cost_centre_name": "session__cost_centre__name",
    "vehicle": "session__vehicle__label",
    "site_pk": "session__site_id",
    "site": "session__site__name",
    "country": "session__site__country",
    "region": "session__site__region",
    "zone": "session__site__zone",
}


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """One session charge with what lines and taxes need of its session; empty texts where the session has none."""

    charge_id: int
    role: str
    session_pk: int
    session_ref: str
    ended_at: dt.datetime
    energy_wh: int
    stated_rate: Decimal | None
    net: Decimal
    charge_currency: str
    cost_centre_code: str
    cost_centre_name: str
    vehicle: str
    site_pk: int | None
    site: str
    country: str
    region: str
    zone: str


def charge_rows(charges: QuerySet[SessionCharge]) -> Iterator[ChargeRow]:
    """The rows of these charges, in the order of session end, reference, then falling rate. One query."""
    texts = {"cost_centre_code", "cost_centre_name", "vehicle", "site", "country", "region", "zone"}
    rows = charges.order_by("session__ended_at", "session__provider_ref", "-vat_rate", "pk").values_list(
        *_COLUMNS.values()
    )
    for values in rows.iterator(chunk_size=5000):
        named: dict[str, Any] = dict(zip(_COLUMNS, values, strict=True))
        named |= {name: named[name] or "" for name in texts}
        yield ChargeRow(**named)


def unbilled_charges(contract: Contract, until: dt.datetime) -> QuerySet[SessionCharge]:
    """Charges of a payer that no document bills yet, of sessions ended before the instant `until`.

    Left out: sessions that wait for a person or were rejected meanwhile, and superseded revisions.
    """
    billed = BilledCharge.objects.filter(charge=OuterRef("pk"), use=ChargeUse.BILLED)
    waiting = Hold.objects.filter(session=OuterRef("session")).exclude(state=HoldState.RELEASED)
    return SessionCharge.objects.filter(
        ~Exists(billed),
        ~Exists(waiting),
        contract=contract,
        session__ended_at__lt=until,
        session__superseded_at__isnull=True,
    )


def host_sites(contract: Contract) -> QuerySet[Site]:
    """The sites of a hosting contract: those it names, else all that its party owns."""
    named = contract.sites.all()
    return named if named.exists() else Site.objects.filter(owner=contract.party)


def _uses(use: ChargeUse, **about: object) -> QuerySet[BilledCharge]:
    return BilledCharge.objects.filter(charge=OuterRef("pk"), use=use, **about)


def _credits(document: str) -> Exists:
    """Whether the document at that path was credited."""
    notes = Invoice.objects.filter(corrects=OuterRef(document), kind=InvoiceKind.CREDIT_NOTE)
    return Exists(notes.filter(state=InvoiceState.ISSUED))


def _credited() -> Exists:
    """Whether the document that bills the charge was credited."""
    return Exists(_uses(ChargeUse.BILLED).filter(_credits("line__invoice")))


def _in_days_of(contract: Contract, session: str) -> Q:
    """Sessions that ended on a day of the contract in its zone; `session` is the path to them."""
    inside = Q(**{f"{session}__ended_at__gte": start_of_day(contract.starts_on, contract.zone)})
    if contract.ends_on is not None:
        inside &= Q(**{f"{session}__ended_at__lt": start_of_day(contract.ends_on, contract.zone)})
    return inside


def all_credited(charge_ids: Collection[int]) -> bool:
    """Whether no draft bills any of these charges, and every issued document that does was credited."""
    billed = BilledCharge.objects.filter(charge__in=charge_ids, use=ChargeUse.BILLED)
    return not billed.filter(~_credits("line__invoice")).exists()


def shareable_charges(contract: Contract, sites: QuerySet[Site], period: Period) -> QuerySet[SessionCharge]:
    """Charges at the sites that a host's share is due on: of sessions on the days of his contract, billed on issued
    documents of periods up to this one, not credited, and not shared before. Parts paid by sponsors are among them.
    """
    billed = _uses(ChargeUse.BILLED, line__invoice__state=InvoiceState.ISSUED, line__invoice__period_to__lte=period.end)
    return SessionCharge.objects.filter(
        _in_days_of(contract, "session"),
        Exists(billed),
        ~_credited(),
        ~Exists(_uses(ChargeUse.SHARED)),
        contract__operator=contract.operator_id,
        session__site__in=sites,
    )


def returnable_charges(contract: Contract) -> QuerySet[SessionCharge]:
    """Charges that were shared with this host, were credited since, and not yet taken back from him.

    Those of a settlement that was credited itself are with us again already.
    """
    shared = _uses(ChargeUse.SHARED, line__invoice__state=InvoiceState.ISSUED, line__invoice__contract=contract)
    return SessionCharge.objects.filter(
        Exists(shared.filter(~_credits("line__invoice"))), _credited(), ~Exists(_uses(ChargeUse.TAKEN_BACK))
    )


def replaced_sessions(draft: Invoice) -> QuerySet[ChargingSession]:
    """Sessions on a draft that a changed copy has replaced since.

    Left out is what another payer's live document bills a part of: an issued split is completed, never redone.
    """
    billed = BilledCharge.objects.filter(charge__session=OuterRef("pk"), use=ChargeUse.BILLED)
    issued = billed.filter(~_credits("line__invoice"), line__invoice__state=InvoiceState.ISSUED)
    return ChargingSession.objects.filter(
        Exists(billed.filter(line__invoice=draft)), ~Exists(issued), superseded_at__isnull=False
    )


def drafts_at(contract: Contract, sites: QuerySet[Site], period: Period) -> QuerySet[Invoice]:
    """Drafts of periods up to this one that bill sessions a host shares in: while they are, he cannot be settled."""
    billed = "lines__billed_charges__charge__session"
    return Invoice.objects.filter(
        _in_days_of(contract, billed)
        & Q(**{f"{billed}__site__in": sites, "lines__billed_charges__use": ChargeUse.BILLED}),
        operator=contract.operator_id,
        state=InvoiceState.DRAFT,
        period_to__lte=period.end,
    ).distinct()


def live_documents(contract: Contract, period: Period, kind: InvoiceKind) -> QuerySet[Invoice]:
    """Documents of a contract, period and kind that were not credited: at most one (I10)."""
    return Invoice.objects.filter(
        ~_credits("pk"), contract=contract, period_from=period.start, period_to=period.end, kind=kind
    ).order_by(F("pk"))
