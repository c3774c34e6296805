"""From the rows of a contract version to its document's view; nothing is computed here, the rules' sentences are set.

Prices are those in force on the day from which the version holds; a later release of a tariff is announced, not
written into what was agreed.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import override

from contracts.documents.clauses import Clauses, Part, clauses_of
from contracts.documents.view import AgreementView, Block, BlockKind, Section, SideBlock, Words
from contracts.models import (
    Contract,
    ContractVersion,
    DunningAction,
    DunningLevel,
    Operator,
    Party,
    PriceBasis,
    RevenueShare,
    SuspensionRule,
    TariffAssignment,
    TextPlace,
    VersionState,
)
from contracts.queries import PAYING_KINDS, terms_of
from contracts.queries.agreements import signatories
from contracts.queries.prices import released_on
from contracts.rules.dunning import level_sentence
from contracts.rules.shares import share_sentence, sponsor_sentence
from contracts.rules.tariff_text import describe as describe_tariff
from contracts.rules.terms import EarlyTermination, FailedPayment, LatePayment, NoShow, Overstay, UptimePromise
from contracts.rules.terms import describe as describe_term
from evbilling.kernel.clock import local_date, start_of_day
from evbilling.shell.formats import format_kw, format_money
from evbilling.shell.paper.address import LETTER_COUNTRIES, address_lines, tax_id_word
from evbilling.shell.paper.formats import Formats, formats_of
from evbilling.shell.paper.letterhead import Letterhead, Paper, PartyBlock

PENALTIES = (Overstay, NoShow, LatePayment, FailedPayment, EarlyTermination, UptimePromise)
"""Terms that say what is owed where one side does not do as agreed."""


def agreement_view(version: ContractVersion, *, at: dt.datetime) -> AgreementView:
    """The view of a version's document; an unapproved one is dated `at` and marked as a draft."""
    language = version.contract.party.language
    with override(language):
        return _Builder(version, at, clauses_of(language), language).view()


class _Builder:
    """Puts one document together, with its language active."""

    def __init__(self, version: ContractVersion, at: dt.datetime, clauses: Clauses, language: str) -> None:
        self.version, self.clauses, self.language = version, clauses, language
        self.contract: Contract = version.contract
        self.operator: Operator = self.contract.operator
        self.party: Party = self.contract.party
        self.formats: Formats = formats_of(language, self.contract.currency)
        self.dated_on = local_date(version.approved_at or at, self.contract.zone)
        self.first_day = max(version.valid_from, self.contract.starts_on)
        self.sites = list(self.contract.sites.order_by("name"))
        terms = terms_of(version)
        plan = version.dunning_plan
        self.levels = list(plan.levels.order_by("level")) if plan is not None else []
        self.late = next((term for term in terms if isinstance(term, LatePayment)), None)
        said = [(isinstance(term, PENALTIES), describe_term(term, self.contract.currency)) for term in terms]
        self.penalties = [text for penalty, text in said if penalty]
        self.terms = [text for penalty, text in said if not penalty]
        self.values = self._values()

    def view(self) -> AgreementView:
        """The whole document."""
        words, kind = self.clauses.words, self.contract.kind
        title = words[kind]
        number, version = self.contract.number, str(self.version.number)
        day = self.formats.long_date(self.dated_on)
        return AgreementView(
            language=self.language,
            currency=self.contract.currency,
            letterhead=Letterhead(
                name=self.operator.legal_name,
                accent=self.operator.accent_colour,
                logo_svg=self.operator.logo_svg,
                paper=Paper.LETTER if self.operator.country in LETTER_COUNTRIES else Paper.A4,
                footer=self._footer(),
            ),
            title=title,
            number=number,
            version=version,
            running=words["running"].format(title=title, number=number, version=version, day=day),
            dated_on=self.dated_on,
            sides=(
                SideBlock(words["operator"], _operator_block(self.operator)),
                SideBlock(
                    words[f"party_{kind}"],
                    _party_block(self.party, self.operator.country),
                    tuple(each.name for each in signatories(self.party)),
                ),
            ),
            facts=tuple((label, value) for label, value in self._facts(day) if value),
            glance=tuple(self._glance()),
            sections=tuple(self._sections()),
            words=Words(
                between=words["between"],
                both=words["and"],
                represented=words["represented"],
                signatures=words["signatures"],
                signature_text=words["signature_text"],
                signature_fields=(words["signature_name"], words["signature_place"], words["signature_line"]),
            ),
            draft=self.version.state != VersionState.APPROVED,
        )

    def _footer(self) -> str:
        """The operator's own sentence at the foot of every document."""
        found = self.operator.texts.filter(place=TextPlace.FOOTER, language=self.language[:2]).first()
        return found.text if found else ""

    def _values(self) -> dict[str, str]:
        words, version, day = self.clauses.words, self.version, self.formats.long_date
        side = words[f"party_{self.contract.kind}"]
        basis = words["gross_basis" if version.price_basis == PriceBasis.GROSS else "net_basis"]
        return {
            "operator": self.operator.legal_name,
            "operator_email": self.operator.billing_email,
            "operator_city": self.operator.city,
            "party": self.party.legal_name,
            "side": side,
            "Side": capfirst(side),
            "of_side": words[f"of_{self.contract.kind}"],
            "number": self.contract.number,
            "version": str(version.number),
            "valid_from": day(self.first_day),
            "starts_on": day(self.contract.starts_on),
            "minimum_term": day(version.minimum_term_until) if version.minimum_term_until else "",
            "notice_days": str(version.notice_days),
            "payment_days": str(version.payment_terms_days),
            "currency": self.contract.currency,
            "zone": self.contract.zone,
            "basis": basis,
            "tax": words[version.tax_treatment],
        }

    def _flags(self) -> Iterator[str]:
        yield "named_sites" if self.sites else "all_sites"
        yield "has_penalties" if self.penalties else "no_penalties"
        if self.terms:
            yield "has_terms"
        if self.levels:
            yield "has_dunning"
        yield "dunning_fees" if any(self._fee(each) for each in self.levels) else "no_dunning_fees"
        yield "late_agreed" if self.late else "late_by_law"
        if self.version.terms_text.strip():
            yield "has_text"
        if self.version.minimum_term_until is not None:
            yield "minimum_term"
        yield "suspend_hold" if self.version.suspension_rule == SuspensionRule.HOLD else "suspend_bill"
        if self.contract.kind in PAYING_KINDS:
            yield "sessions"
        yield "self_billing" if self.party.self_billing_agreed_on else "no_self_billing"
        yield "business" if self.party.is_business else "consumer"

    def _facts(self, day: str) -> list[tuple[str, str]]:
        words = self.clauses.words
        return [
            (words["number"], self.contract.number),
            (words["version"], str(self.version.number)),
            (words["holds_from"], self.formats.long_date(self.first_day)),
            (words["made_on"], day),
            (words["customer"], self.party.number),
            (words["purchase_order"], self.contract.purchase_order),
            (words["currency"], self.contract.currency),
        ]

    def _glance(self) -> list[tuple[str, str]]:
        words = self.clauses.words
        minimum = self.version.minimum_term_until
        return [
            (words["glance_start"], self.formats.short_date(self.contract.starts_on)),
            (words["glance_term"], self.formats.short_date(minimum) if minimum else words["glance_term_none"]),
            (words["glance_notice"], words["glance_notice_value"].format_map(self.values)),
            (words["glance_payment"], words["glance_payment_value"].format_map(self.values)),
        ]

    def _sections(self) -> Iterator[Section]:
        for clause, parts in self.clauses.of(self.contract.kind, set(self._flags())):
            blocks = [block for part in parts for block in self._blocks(part)]
            yield Section(clause.title.format_map(self.values), tuple(blocks))

    def _blocks(self, part: Part) -> Iterator[Block]:
        if part.insert:
            yield from getattr(self, f"_insert_{part.insert}")()
        elif part.items:
            items = tuple(item.format_map(self.values) for item in part.items)
            yield Block(BlockKind.LIST, part.lead.format_map(self.values), items=items)
        else:
            yield Block(BlockKind.PARAGRAPH, part.text.format_map(self.values))

    def _insert_sites(self) -> Iterator[Block]:
        words = self.clauses.words
        rows = []
        for site in self.sites:
            facts = {name: getattr(site, name) for name in ("street", "postal_code", "city", "region", "country")}
            rows.append((site.name, ", ".join(address_lines(facts)), str(site.stations.count() or "")))
        yield Block(BlockKind.TABLE, head=(words["site"], words["address"], words["points"]), rows=tuple(rows))

    def _insert_tariffs(self) -> Iterator[Block]:
        words = self.clauses.words
        assigned = self.version.tariff_assignments.select_related("tariff", "site").order_by("-priority")
        at = start_of_day(self.first_day, self.contract.zone)
        for each in assigned:
            released = released_on(each.tariff_id, at)
            if released is None:
                yield Block(BlockKind.RATES, each.tariff.name, self._where(each), items=(words["unreleased"],))
                continue
            since = local_date(max(released.valid_from, at), self.contract.zone)
            note = f"{self._where(each)} · {words['prices_of'].format(day=self.formats.long_date(since))}"
            items = tuple(capfirst(line) for line in describe_tariff(released.document))
            yield Block(BlockKind.RATES, each.tariff.name, note, items=items)

    def _where(self, assignment: TariffAssignment) -> str:
        words = self.clauses.words
        low, high = assignment.min_power_w, assignment.max_power_w
        values = {"low": format_kw(low or 0), "high": format_kw(high or 0)}
        power = ""
        if low is not None or high is not None:
            key = "below_power" if low is None else "from_power" if high is None else "from_to_power"
            power = words[key].format_map(values)
        place = assignment.site.name if assignment.site else ""
        return ", ".join(filter(None, (place, power))) or words["everywhere"]

    def _insert_shares(self) -> Iterator[Block]:
        shares = RevenueShare.objects.filter(version=self.version).select_related("site")
        items = tuple(
            share_sentence(each.terms, self.contract.currency, each.site.name if each.site else "") for each in shares
        )
        yield Block(BlockKind.RATES, items=items)

    def _insert_sponsorship(self) -> Iterator[Block]:
        sponsorship: Any = getattr(self.version, "sponsorship", None)
        if sponsorship is not None:
            yield Block(BlockKind.PARAGRAPH, sponsor_sentence(sponsorship.terms, self.contract.currency))

    def _insert_terms(self) -> Iterator[Block]:
        yield Block(BlockKind.RATES, items=tuple(self.terms))

    def _insert_penalties(self) -> Iterator[Block]:
        yield Block(BlockKind.RATES, items=tuple(self.penalties))

    def _insert_dunning(self) -> Iterator[Block]:
        sentences = (
            level_sentence(
                each.level,
                each.days_overdue,
                escalate=each.action == DunningAction.ESCALATE,
                fee=self._fee(each),
            )
            for each in self.levels
        )
        yield Block(BlockKind.RATES, items=tuple(sentences))

    def _fee(self, level: DunningLevel) -> str:
        """A level's fee in words; a flat amount for late payment compensates reminding already."""
        compensated = self.late is not None and (self.late.flat_amount is not None or self.late.eu_default)
        if compensated or not level.fee_amount or level.action == DunningAction.ESCALATE:
            return ""
        return format_money(level.fee_amount, self.contract.currency)

    def _insert_special(self) -> Iterator[Block]:
        for text in self.version.terms_text.replace("\r\n", "\n").split("\n\n"):
            if text.strip():
                yield Block(BlockKind.PARAGRAPH, text.strip())


def _operator_block(operator: Operator) -> PartyBlock:
    facts = {name: getattr(operator, name) for name in ("street", "postal_code", "city", "region", "country")}
    numbers = ((tax_id_word(operator.country), operator.vat_id),)
    return PartyBlock(
        legal_name=operator.legal_name,
        address_lines=address_lines(facts),
        tax_ids=tuple((label, value) for label, value in numbers if value),
        registration=operator.register_entry,
        email=operator.billing_email,
        phone=operator.phone,
        website=operator.website,
    )


def _party_block(party: Party, home: str) -> PartyBlock:
    facts = {name: getattr(party, name) for name in ("street", "postal_code", "city", "region", "country")}
    abroad = (party.country,) if party.country != home else ()
    return PartyBlock(
        legal_name=party.legal_name,
        address_lines=(*address_lines(facts), *abroad),
        tax_ids=((tax_id_word(party.country), party.vat_id),) if party.vat_id else (),
    )
