"""Session charges as billing reads them: in one query however many there are."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import batched

from django.db.models import Exists, OuterRef, Q, QuerySet

from contracts.models import Contract, Site
from evbilling.kernel.clock import Period, start_of_day
from evbilling.kernel.money import ZERO
from invoicing.models import BilledCharge, ChargeUse, CreditedCharge, Invoice, InvoiceKind, InvoiceState
from invoicing.queries.cancelled import cancelled, unreleased
from sessions.models import ChargingSession, Hold, HoldState, SessionCharge

_COLUMNS = (
    "pk",
    "contract_id",
    "role",
    "session_id",
    "session__provider_ref",
    "session__ended_at",
    "session__energy_wh",
    "vat_rate",
    "net_amount",
    "gross_amount",
    "price__engine_version",
    "currency",
    "session__cost_centre__code",
    "session__cost_centre__name",
    "session__cost_centre__purchase_order",
    "session__vehicle__label",
    "session__site_id",
    "session__site__name",
    "session__site__country",
    "session__site__region",
    "session__site__zone",
)
"""In the order of the fields of ChargeRow."""
_TEXTS = tuple(
    place
    for place, name in enumerate(_COLUMNS)
    if name.startswith(("session__cost_centre__", "session__vehicle__", "session__site__"))
)
"""Places of texts that a session may lack."""


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """One session charge with what lines and taxes need of its session; empty texts where the session has none.

    `is_part`: `net` is a credited part of the charge that a host gives or gets back, without its energy.
    """

    charge_id: int
    contract_pk: int
    role: str
    session_pk: int
    session_ref: str
    ended_at: dt.datetime
    energy_wh: int
    stated_rate: Decimal | None
    net: Decimal
    gross: Decimal | None
    engine: str
    charge_currency: str
    cost_centre_code: str
    cost_centre_name: str
    purchase_order: str
    vehicle: str
    site_pk: int | None
    site: str
    country: str
    region: str
    zone: str
    is_part: bool = False


def charge_rows(charges: QuerySet[SessionCharge]) -> Iterator[ChargeRow]:
    """The rows of these charges, in the order of session end, reference, then falling rate. One query."""
    rows = charges.order_by("session__ended_at", "session__provider_ref", "-vat_rate", "pk").values_list(*_COLUMNS)
    for values in rows.iterator(chunk_size=5000):
        row = list(values)
        for place in _TEXTS:
            row[place] = row[place] or ""
        yield ChargeRow(*row)


def unbilled_charges(contract: Contract, until: dt.datetime) -> QuerySet[SessionCharge]:
    """Charges of a payer that no document bills yet, of sessions ended before the instant `until`.

    A charge that a cancelled document released is among them again. Left out: sessions that wait for a person or were
    rejected meanwhile, and superseded revisions.
    """
    return unbilled_of([contract.pk], until)


def unbilled_of(contract_ids: Collection[int], until: dt.datetime) -> QuerySet[SessionCharge]:
    """The unbilled charges (`unbilled_charges`) of several payers."""
    billed = unreleased(_uses(ChargeUse.BILLED))
    waiting = Hold.objects.filter(session=OuterRef("session")).exclude(state=HoldState.RELEASED)
    return SessionCharge.objects.filter(
        ~Exists(billed),
        ~Exists(waiting),
        contract__in=contract_ids,
        session__ended_at__lt=until,
        session__superseded_at__isnull=True,
    )


def host_sites(contract: Contract) -> QuerySet[Site]:
    """The sites of a hosting contract: those it names, else all that its party owns."""
    named = contract.sites.all()
    return named if named.exists() else Site.objects.filter(owner=contract.party)


def _uses(use: ChargeUse, **about: object) -> QuerySet[BilledCharge]:
    return BilledCharge.objects.filter(charge=OuterRef("pk"), use=use, **about)


def _in_days_of(contract: Contract, session: str) -> Q:
    """Sessions that ended on a day of the contract in its zone; `session` is the path to them."""
    inside = Q(**{f"{session}__ended_at__gte": start_of_day(contract.starts_on, contract.zone)})
    if contract.ends_on is not None:
        inside &= Q(**{f"{session}__ended_at__lt": start_of_day(contract.ends_on, contract.zone)})
    return inside


def all_credited(charge_ids: Collection[int]) -> bool:
    """Whether no draft bills any of these charges, and every issued document that does was cancelled."""
    billed = BilledCharge.objects.filter(charge__in=charge_ids, use=ChargeUse.BILLED)
    return not billed.filter(~cancelled("line__invoice")).exists()


def _billed_live(until: dt.date | None) -> QuerySet[BilledCharge]:
    """Billings of a charge on issued documents that live, of periods up to a day."""
    rows = _uses(ChargeUse.BILLED, line__invoice__state=InvoiceState.ISSUED).filter(~cancelled("line__invoice"))
    return rows if until is None else rows.filter(line__invoice__period_to__lte=until)


def shareable_charges(contract: Contract, sites: QuerySet[Site], period: Period) -> QuerySet[SessionCharge]:
    """Charges at the sites that a host's share is due on for the first time: of sessions on the days of his contract,
    billed on issued documents of periods up to this one, never shared. Parts paid by sponsors are among them; what
    was credited of them is the matter of `touched_charges`.
    """
    return SessionCharge.objects.filter(
        _in_days_of(contract, "session"),
        Exists(_billed_live(period.end)),
        ~Exists(_uses(ChargeUse.SHARED)),
        ~Exists(_credited_parts()),
        contract__operator=contract.operator_id,
        session__site__in=sites,
    )


def unshared_charges(sites: Collection[int], since: dt.datetime) -> QuerySet[SessionCharge]:
    """Charges at these sites, of sessions ended since an instant, that documents or drafts bill, that no settlement
    shared, and of which nothing was credited.
    """
    return SessionCharge.objects.filter(
        Exists(_uses(ChargeUse.BILLED).filter(~cancelled("line__invoice"))),
        ~Exists(_uses(ChargeUse.SHARED)),
        ~Exists(_credited_parts()),
        session__site__in=sites,
        session__ended_at__gte=since,
    )


def _credited_parts() -> QuerySet[CreditedCharge]:
    return CreditedCharge.objects.filter(charge=OuterRef("pk"), line__invoice__state=InvoiceState.ISSUED)


def touched_charges(contract: Contract, sites: QuerySet[Site]) -> QuerySet[SessionCharge]:
    """Charges whose share with this host may have changed: credited ones that lie at his sites or were shared with
    him, and those that he gave back, which a new document may bill again. Those of a settlement that was cancelled
    for good are with us already.
    """
    own = {"line__invoice__contract": contract}
    shared = _uses(ChargeUse.SHARED, **own)
    back = _uses(ChargeUse.TAKEN_BACK, **own)
    forgiven = unreleased_share(shared).filter(cancelled("line__invoice"))
    at_sites = _in_days_of(contract, "session") & Q(contract__operator=contract.operator_id, session__site__in=sites)
    others = _uses(ChargeUse.SHARED).exclude(line__invoice__contract=contract)
    return SessionCharge.objects.filter(
        (Q(Exists(_credited_parts())) & (Q(Exists(shared)) | (at_sites & ~Q(Exists(others))))) | Q(Exists(back)),
        ~Exists(forgiven),
    )


def unreleased_share(shared: QuerySet[BilledCharge]) -> QuerySet[BilledCharge]:
    """Those whole shares that stand: not followed by as many whole returns."""
    back = BilledCharge.objects.filter(
        charge=OuterRef("charge"),
        use=ChargeUse.TAKEN_BACK,
        net_amount__isnull=True,
        pk__gt=OuterRef("pk"),
    )
    return shared.filter(~Exists(back), net_amount__isnull=True)


@dataclass(slots=True)
class ShareFacts:
    """What is known of one charge: how often it is billed live, its credits, and what the host's lines did with it."""

    billed: int = 0
    live: int = 0
    credited: Decimal = ZERO
    whole: int = 0
    part: Decimal = ZERO


def share_facts(contract: Contract, charge_ids: Collection[int], period: Period) -> dict[int, ShareFacts]:
    """By charge; four queries per 5,000. `whole` is 1 while the charge is shared, `part` what was taken back of it."""
    found: dict[int, ShareFacts] = {charge_id: ShareFacts() for charge_id in charge_ids}
    for ids in batched(sorted(found), 5000):
        billed = BilledCharge.objects.filter(
            charge__in=ids, use=ChargeUse.BILLED, line__invoice__state=InvoiceState.ISSUED
        )
        for charge_id in billed.values_list("charge_id", flat=True):
            found[charge_id].billed += 1
        live = billed.filter(~cancelled("line__invoice"), line__invoice__period_to__lte=period.end)
        for charge_id in live.values_list("charge_id", flat=True):
            found[charge_id].live += 1
        credits = CreditedCharge.objects.filter(charge__in=ids, line__invoice__state=InvoiceState.ISSUED)
        for charge_id, taken in credits.values_list("charge_id", "net_amount"):
            found[charge_id].credited += taken
        uses = BilledCharge.objects.filter(
            charge__in=ids, use__in=[ChargeUse.SHARED, ChargeUse.TAKEN_BACK], line__invoice__contract=contract
        )
        for charge_id, use, net in uses.values_list("charge_id", "use", "net_amount"):
            sign = 1 if use == ChargeUse.SHARED else -1
            if net is None:
                found[charge_id].whole += sign
            else:
                found[charge_id].part -= sign * net
    return found


def next_generations(
    uses: Collection[tuple[int, ChargeUse]], contract_ids: Collection[int]
) -> dict[tuple[int, ChargeUse], int]:
    """The generation of these uses on a new line, of those that are not the first; one query where none was undone."""
    undone = BilledCharge.objects.filter(
        Q(use=ChargeUse.RELEASED, charge__contract__in=contract_ids)
        | Q(use=ChargeUse.TAKEN_BACK, line__invoice__contract__in=contract_ids)
    )
    again = set(undone.values_list("charge_id", flat=True)).intersection(charge_id for charge_id, _use in uses)
    counted: dict[tuple[int, ChargeUse], int] = defaultdict(lambda: 1)
    for ids in batched(sorted(again), 5000):
        for charge_id, use in BilledCharge.objects.filter(charge__in=ids).values_list("charge_id", "use"):
            counted[charge_id, ChargeUse(use)] += 1
    return dict(counted)


def replaced_sessions(*drafts: Invoice) -> QuerySet[ChargingSession]:
    """Sessions on drafts that a changed copy has replaced since.

    Left out is what another payer's live document bills a part of: an issued split is completed, never redone.
    """
    billed = BilledCharge.objects.filter(charge__session=OuterRef("pk"), use=ChargeUse.BILLED)
    issued = billed.filter(~cancelled("line__invoice"), line__invoice__state=InvoiceState.ISSUED)
    return ChargingSession.objects.filter(
        Exists(billed.filter(line__invoice__in=drafts)), ~Exists(issued), superseded_at__isnull=False
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
    """Documents of a contract or of its billing group, of a period and kind, that were not cancelled: at most one, or
    where the month is split one per part (I10), in the order of their parts.
    """
    place = Q(contract=contract)
    if contract.billing_group_id is not None and kind == InvoiceKind.INVOICE:
        place |= Q(billing_group=contract.billing_group_id)
    return Invoice.objects.filter(
        place, ~cancelled("pk"), period_from=period.start, period_to=period.end, kind=kind
    ).order_by("split_key", "pk")
