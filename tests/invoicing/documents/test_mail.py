"""The mail around a document: subject rule, first lines, file names, the same facts in both parts."""

from dataclasses import replace

from invoicing.documents.mail import compose_mail, file_name
from invoicing.documents.view import PaymentBlock, PaymentMethod
from tests.invoicing.documents import samples


def test_given_an_invoice_then_the_subject_has_number_company_amount_and_due_date():
    mail = compose_mail(samples.us_invoice(), reply_to="billing@voltline.example")
    assert mail.subject == "Invoice INV-2026-000365, Voltline Energy Inc., $619.66, due December 31, 2026"
    assert mail.reply_to == "billing@voltline.example"


def test_given_a_german_invoice_then_the_first_lines_carry_amount_day_bank_and_reference():
    mail = compose_mail(samples.german_invoice(), reply_to="rechnung@stromweg.example")
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in mail.text.splitlines()]
    assert lines[2:9] == [
        "Zu zahlen: 301,34 €",
        "Zahlbar bis: 15. Dezember 2026",
        "Kontoinhaber: Stromweg Ladenetz GmbH",
        "IBAN: DE89 3704 0044 0532 0130 00",
        "BIC: COBADEFFXXX",
        "Bank: Musterbank Berlin",
        "Verwendungszweck: RE-2026-004711",
    ]
    html = mail.html.replace("\N{NO-BREAK SPACE}", " ")
    assert all(line.split(": ", 1)[1] in html for line in lines[2:9])


def test_given_a_line_break_in_a_name_then_the_subject_stays_one_line():
    view = samples.us_invoice(1, issuer=replace(samples.US, legal_name="Volt\r\nBcc: all@example.org"))
    assert "\n" not in compose_mail(view, reply_to="a@b.example").subject
    assert "\r" not in compose_mail(view, reply_to="a@b.example").subject


def test_given_markup_in_a_name_then_the_html_part_shows_it_and_the_text_part_keeps_it():
    view = samples.us_invoice(1, recipient=replace(samples.us_invoice(1).recipient, legal_name="A <b> & Co"))
    mail = compose_mail(view, reply_to="a@b.example")
    assert "A &lt;b&gt; &amp; Co" in mail.html
    assert "A <b> & Co" in mail.text


def test_given_a_pay_link_then_both_parts_carry_it_and_a_paid_invoice_has_none():
    view = samples.us_invoice(2)
    mail = compose_mail(view, reply_to="a@b.example")
    assert "https://pay.voltline.example/i/8f2c" in mail.text
    assert 'href="https://pay.voltline.example/i/8f2c"' in mail.html
    paid = replace(view, paid_amount=view.total_amount, amount_due=view.total_amount * 0)
    assert "pay.voltline" not in compose_mail(paid, reply_to="a@b.example").html


def test_given_a_direct_debit_then_the_day_is_one_of_collection_and_the_notice_is_in_the_mail():
    notice = "We collect the amount with mandate M-17 from DE•• 3000."
    payment = PaymentBlock(PaymentMethod.DIRECT_DEBIT, "RE-2026-004711", notice)
    mail = compose_mail(samples.german_invoice(payment=payment), reply_to="a@b.example")
    assert "Einzug am: 15. Dezember 2026" in mail.text
    assert notice in mail.text
    assert notice in mail.html


def test_given_files_then_their_names_carry_number_issuer_and_last_day_of_supply():
    view = samples.us_invoice(1)
    assert file_name(view) == "INV-2026-000365_Voltline-Energy-Inc_2026-11-30.pdf"
    mail = compose_mail(view, reply_to="a@b.example", files=("pdf", "xml", "csv"))
    assert [name.rsplit(".", 1)[1] for name in mail.attachment_names] == ["pdf", "xml", "csv"]


def test_given_an_e_invoice_alone_then_the_mail_says_what_is_attached():
    mail = compose_mail(samples.german_invoice(), reply_to="a@b.example", files=("xml",))
    assert [name.rsplit(".", 1)[1] for name in mail.attachment_names] == ["xml"]
    assert "liegt als E-Rechnung (XML) bei" in mail.text
    assert "PDF" not in mail.text


def test_given_a_number_or_name_with_path_signs_then_the_file_name_holds_none():
    issuer = replace(samples.US, legal_name="../Übel & Söhne / Co\\KG: <1>" + "x" * 200)
    name = file_name(samples.us_invoice(1, number="../2026/11", issuer=issuer))
    assert name.startswith("2026-11_Übel-Söhne-Co-KG-1-x")
    assert len(name) < 100
