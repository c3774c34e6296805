"""The contract as a document: what it says in both languages, tagged PDF/A, the same words in both clause files."""

import io
import re
from typing import Any

import pikepdf
import pytest

from contracts.documents.build import agreement_view
from contracts.documents.clauses import FOLDER, clauses_of
from contracts.documents.pdf import render_agreement
from contracts.documents.view import AgreementView
from contracts.models import ContractKind, ContractVersion, DunningLevel, DunningPlan
from contracts.operations.versions import change_version
from tests import factories as make
from tests.contracts.papers import signatory

PLACEHOLDER = re.compile(r"{(\w+)}")


def texts(view: AgreementView) -> str:
    """All that a document says, in reading order."""
    parts = [view.title, view.number, *(value for pair in (*view.facts, *view.glance) for value in pair)]
    for section in view.sections:
        parts.append(section.title)
        for block in section.blocks:
            parts += (block.text, block.note, *block.items, *(cell for row in block.rows for cell in row))
    return "\n".join(parts).replace("\N{NO-BREAK SPACE}", " ")


def version_of(kind: str, language: str, **terms: Any) -> ContractVersion:
    site = make.make_site(name="Harbour depot", city="Hamburg")
    party = make.make_party(language=language)
    signatory(party)
    contract = make.make_contract(kind, party=party, sites=[site])
    version = make.make_version(contract, approved=False)
    if terms:
        change_version(version_id=version.pk, by=make.maker(), at=make.AT, **terms)
    return make.approve_undrawn(version)


def view_of(kind: str = "charging", language: str = "en", **terms: Any) -> AgreementView:
    return agreement_view(version_of(kind, language, **terms), at=make.AT)


def dunned(language: str, *terms: tuple[str, dict[str, Any]]) -> AgreementView:
    """Of a contract whose terms name a plan of two reminders, the second for 5.00, and a person."""
    contract = make.make_contract("charging", party=make.make_party(language=language))
    plan = DunningPlan.objects.create(operator=contract.operator, name="Standard", currency="EUR")
    for level, days, action, fee in ((1, 1, "remind", 0), (2, 14, "remind", 5), (3, 28, "escalate", 0)):
        DunningLevel.objects.create(plan=plan, level=level, days_overdue=days, action=action, fee_amount=fee)
    version = make.make_version(contract, approved=False, dunning_plan_id=plan.pk, terms=terms)
    return agreement_view(version, at=make.AT)


@pytest.mark.parametrize("kind", ContractKind.values)
@pytest.mark.parametrize("language", ["en", "de"])
def test_both_languages_say_the_same_things(kind: str, language: str) -> None:
    clauses = clauses_of(language)
    for other in map(clauses_of, ("en", "de")):
        assert clauses.words.keys() == other.words.keys()
        assert clauses.mail.keys() == other.mail.keys()
        for ours, theirs in zip(clauses.clauses, other.clauses, strict=True):
            assert (ours.key, ours.kinds, ours.when) == (theirs.key, theirs.kinds, theirs.when)
            for part, same in zip(ours.parts, theirs.parts, strict=True):
                assert (part.kinds, part.when, part.insert, len(part.items)) == (
                    same.kinds,
                    same.when,
                    same.insert,
                    len(same.items),
                )
                values = set(PLACEHOLDER.findall(part.text)) - {"side", "Side"}
                assert values == set(PLACEHOLDER.findall(same.text)) - {"side", "Side"}
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == ["de", "en"]
    assert any(clause.key == "data" for clause, _parts in clauses.of(kind, set()))


@pytest.mark.django_db
class TestView:
    @pytest.mark.parametrize("kind", ContractKind.values)
    @pytest.mark.parametrize("language", ["en", "de"])
    def test_no_placeholder_is_left_and_each_kind_says_its_own(self, kind: str, language: str) -> None:
        said = texts(view_of(kind, language))
        assert PLACEHOLDER.findall(said) == []
        own = {
            "charging": ("€0.45 per kWh", "0,45 € je kWh"),
            "roaming": ("€0.45 per kWh", "0,45 € je kWh"),
            "hosting": ("Net charging revenue is", "Nettoladeerlös ist"),
            "sponsorship": ("both parts of a session always add up", "beide Teile eines Ladevorgangs"),
        }[kind]
        assert own[language == "de"] in said
        assert ("GDPR", "DSGVO")[language == "de"] in said
        assert "Harbour depot" in said

    def test_what_was_agreed_stands_in_it(self) -> None:
        said = texts(view_of(notice_days=77, payment_terms_days=21, terms_text="First point.\n\nSecond point."))
        assert "77 days" in said
        assert "Invoices are due 21 days" in said
        assert "First point.\nSecond point." in said.replace("\n\n", "\n")
        assert "owed as usual" in said
        assert "runs until it is ended" in said
        assert "at the earliest" not in said

    def test_the_rule_of_suspension_and_the_minimum_term_are_said(self) -> None:
        said = texts(view_of(suspension_rule="hold", minimum_term_until=make.FIRST_DAY.replace(year=2028)))
        assert "a person of the operator decides on each" in said
        assert "It may end on 1 January 2028 at the earliest." in said

    def test_the_dunning_plan_that_is_named_is_said_with_days_and_fees(self) -> None:
        said = texts(dunned("en"))
        assert "Level 1, 1 day after the due date: a reminder without a fee." in said
        assert "Level 2, 14 days after the due date: a reminder, with a fee of €5.00." in said
        assert "Level 3, 28 days after the due date: a person of the operator decides what follows." in said
        assert "Fees of reminders come on a fee note." in said
        assert "No penalties are agreed but the fees of reminders under billing and payment." in said
        assert "No penalties are agreed." not in said
        assert "Interest on late payment is owed as the law says." in said

    def test_in_german_the_dunning_plan_is_german(self) -> None:
        said = texts(dunned("de"))
        assert "Stufe 1, 1 Tag nach Fälligkeit: eine Mahnung ohne Gebühr." in said
        assert "Stufe 2, 14 Tage nach Fälligkeit: eine Mahnung mit einer Gebühr von 5,00 €." in said
        assert "Stufe 3, 28 Tage nach Fälligkeit: Ein Mensch beim Betreiber entscheidet, was folgt." in said
        assert "Verzugszinsen sind nach dem Gesetz geschuldet." in said
        assert "Außer den Mahngebühren unter Abrechnung und Zahlung sind keine Vertragsstrafen vereinbart." in said

    def test_a_flat_amount_for_late_payment_leaves_no_fee_on_reminders(self) -> None:
        said = texts(dunned("en", ("late_payment", {"yearly_percent": "9", "eu_default": False, "flat_amount": "40"})))
        assert "Level 2, 14 days after the due date: a reminder without a fee." in said
        assert "€5.00" not in said
        assert "Fees of reminders" not in said
        assert "For late payment itself holds what is agreed under penalties and promises." in said

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_terms_that_name_no_plan_say_nothing_of_reminders(self, language: str) -> None:
        said = texts(view_of("charging", language))
        assert ("Level 1", "Stufe 1")[language == "de"] not in said
        assert ("Fees of reminders", "Mahngebühren")[language == "de"] not in said
        assert ("No penalties are agreed.", "Vertragsstrafen sind nicht vereinbart.")[language == "de"] in said

    def test_a_draft_says_that_it_is_one(self) -> None:
        version = make.make_version(make.make_contract(), approved=False)
        assert agreement_view(version, at=make.AT).draft is True
        assert view_of().draft is False


@pytest.mark.django_db
def test_the_file_is_tagged_pdf_a_with_title_language_and_page_numbers() -> None:
    view = view_of("charging", "de")
    content = render_agreement(view)
    assert content == render_agreement(view)
    assert len(content) < 300_000
    with pikepdf.open(io.BytesIO(content)) as pdf, pdf.open_metadata() as meta:
        assert (meta["pdfaid:part"], meta["pdfaid:conformance"]) == ("3", "A")
        assert f"Ladevertrag {view.number}" in str(meta["dc:title"])
        assert str(pdf.Root.Lang) == "de"
        assert pdf.Root.MarkInfo.Marked
        assert 2 <= len(pdf.pages) <= 5
        assert "/Outlines" in pdf.Root


@pytest.mark.django_db
def test_what_users_type_is_text_and_never_markup() -> None:
    view = view_of(terms_text="<b>10 &lt; 20</b> & {operator} \x01")
    assert "<b>10 &lt; 20</b> & {operator}" in texts(view)
    assert render_agreement(view).startswith(b"%PDF-1.7")
