"""What page one says of gross prices, parts, groups, advances, replaced and credited documents, and own words."""

from dataclasses import replace
from decimal import Decimal

import pytest

from evbilling.shell.paper.formats import formats_of
from invoicing.documents.mail import compose_mail
from invoicing.documents.pdf import render_pdf
from invoicing.documents.view import DocumentDoesNotAddUp, Kind, Line, LineGroup, References
from tests.invoicing.documents import samples
from tests.invoicing.documents.reading import pages_of, text_of
from tests.invoicing.documents.shape_samples import with_tax_prices


def test_given_prices_with_tax_then_lines_show_them_and_totals_show_net_and_tax() -> None:
    text = " ".join(text_of(render_pdf(with_tax_prices())).split())
    for shown in ("11,90", "4,99", "14,19 €", "2,70 €", "16,89 €"):
        assert shown in text
    assert "10,00" not in text
    assert "Netto EUR" not in text


def test_given_prices_with_tax_that_do_not_add_up_then_nothing_is_drawn() -> None:
    (group,) = with_tax_prices().groups
    cheaper = replace(group.lines[0], gross_amount=Decimal("11.89"))
    with pytest.raises(DocumentDoesNotAddUp, match="the subtotal with tax"):
        render_pdf(with_tax_prices(groups=(replace(group, lines=(cheaper, group.lines[1])),)))
    missing = replace(group.lines[0], gross_amount=None)
    with pytest.raises(DocumentDoesNotAddUp, match="the subtotal with tax"):
        render_pdf(with_tax_prices(groups=(replace(group, lines=(missing, group.lines[1])),)))


def test_given_references_then_each_is_on_page_one() -> None:
    references = References(
        "K-1", "C-1, C-2", "PO-9", "4711 Fuhrpark", replaced_document="RE-2026-000001 vom 1. Dezember 2026"
    )
    (page, *_) = pages_of(render_pdf(samples.german_invoice(2, references=references)))
    shown = " ".join(page.split())
    for value in ("K-1", "C-1, C-2", "PO-9", "4711 Fuhrpark", "RE-2026-000001 vom 1."):
        assert value in shown


def test_given_an_advance_invoice_then_it_is_called_so_and_names_its_period_as_one_to_come() -> None:
    line = Line("Advance payment", Decimal("500.00"))
    groups = (LineGroup((line,), line.net_amount),)
    view = samples.us_invoice(0, kind=Kind.ADVANCE, **samples.with_tax(groups, "7", "Sales tax 7 %"))
    text = text_of(render_pdf(view))
    assert "Advance invoice INV-2026-000365" in text
    assert "Payment in advance for Nov 1, 2026" in text
    assert "Supply period" not in text
    assert compose_mail(view, reply_to="a@b.example").subject.startswith("Advance invoice INV-2026-000365, ")


def test_given_an_advance_set_off_then_it_lowers_net_and_tax_and_is_a_line() -> None:
    lines = (
        Line("Charging", Decimal("900.00"), "", 9, 90_000),
        Line("Advance payment INV-1 set off", Decimal("-500.00")),
    )
    groups = (LineGroup(lines, Decimal("400.00")),)
    text = text_of(render_pdf(samples.us_invoice(0, **samples.with_tax(groups, "7", "Sales tax 7 %"))))
    assert formats_of("en", "USD").amount(Decimal("-500.00")) in text
    assert "$428.00" in text


def test_given_the_operators_own_words_then_they_stand_in_their_places() -> None:
    view = samples.german_invoice(
        2,
        introduction="Vielen Dank für Ihr Vertrauen.",
        closing="Bei Fragen hilft Frau Krüger gern.",
        mail_text="Ab Januar gelten neue Öffnungszeiten.",
        letterhead=replace(samples.HEAD_DE, footer="Wir laden mit Ökostrom. " * 15),
    )
    pages = pages_of(render_pdf(view))
    first = " ".join(pages[0].split())
    assert first.index("Vielen Dank") < first.index("Laden an 2 Standorten") < first.index("Bei Fragen hilft")
    assert all(page.count("Wir laden mit Ökostrom.") >= 12 for page in pages)
    assert "Öffnungszeiten" not in first
    mail = compose_mail(view, reply_to="a@b.example")
    assert view.mail_text in mail.text
    assert view.mail_text in mail.html


@pytest.mark.parametrize("sessions", [12, 16, 30])
def test_given_a_long_foot_then_no_row_runs_into_it(sessions: int) -> None:
    """The foot is four lines higher, so that the annex ends above it: the last row is still there, once."""
    head = replace(samples.HEAD_DE, footer="Wir laden mit Ökostrom aus der Region. " * 12)
    text = text_of(render_pdf(samples.german_invoice(sessions, letterhead=head)), layout=False)
    assert text.count("CDR-2026-") == sessions
