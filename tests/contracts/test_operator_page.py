"""The operator's page: texts of documents, and what documents can be drawn with."""

import pytest
from django import forms
from django.test import Client

from contracts.admin.parties import OperatorForm
from contracts.models import Operator, OperatorText
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from invoicing.documents.blocks import issuer_block, letterhead_of, own_text
from invoicing.queries.freezing import issuer_details
from tests.contracts.world import sign_in
from tests.factories import make_operator, make_user

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


def cleaned(field: str, value: str) -> str:
    form = OperatorForm()
    form.cleaned_data = {field: value}
    return getattr(form, f"clean_{field}")()


@pytest.mark.parametrize("logo", ["", SVG, f'<?xml version="1.0"?>\n<!-- made by hand -->{SVG}\n'])
def test_given_a_picture_or_none_then_it_is_taken(logo: str) -> None:
    assert cleaned("logo_svg", logo) == logo.strip()


@pytest.mark.parametrize(
    "logo",
    [
        "logo.svg",
        "<svg>no namespace</svg>",
        "<p/>",
        SVG[:-3],
        f'<!DOCTYPE svg [<!ENTITY a "b">]>{SVG}',
    ],
)
def test_given_anything_else_as_logo_then_it_is_refused_and_nothing_can_be_saved(logo: str) -> None:
    with pytest.raises(forms.ValidationError, match="SVG"):
        cleaned("logo_svg", logo)


@pytest.mark.parametrize(("colour", "good"), [("#0b7a53", True), ("#FFF", False), ("green", False), ("#0b7a5z", False)])
def test_given_a_colour_then_only_one_that_documents_can_be_drawn_in_is_taken(colour: str, good: bool) -> None:
    if good:
        assert cleaned("accent_colour", colour) == colour
        return
    with pytest.raises(forms.ValidationError, match=colour):
        cleaned("accent_colour", colour)


@pytest.mark.django_db
def test_given_own_texts_then_documents_freeze_them_by_language_and_place() -> None:
    operator = make_operator(contact_person="Dana Ortiz")
    for language, text in (("en", "Thank you."), ("de", "Vielen Dank.")):
        OperatorText.objects.create(operator=operator, place="introduction", language=language, text=text)
    OperatorText.objects.create(operator=operator, place="footer", language="de", text="Wir laden mit Ökostrom.")
    facts = issuer_details(operator)
    OperatorText.objects.all().delete()
    Operator.objects.update(contact_person="Somebody Else")
    assert own_text(facts, "introduction", "de") == "Vielen Dank."
    assert own_text(facts, "introduction", "en-us") == "Thank you."
    assert (own_text(facts, "closing", "de"), own_text(facts, "introduction", "fr")) == ("", "")
    assert letterhead_of(facts, "de").footer == "Wir laden mit Ökostrom."
    assert letterhead_of(facts, "en").footer == ""
    assert issuer_block(facts).contact_name == "Dana Ortiz"


@pytest.mark.django_db
def test_given_the_operators_page_then_texts_are_edited_there_and_the_change_is_on_record(
    client: Client, settings: object
) -> None:
    operator = make_operator()
    sign_in(client, make_user(Role.ADMINISTRATOR), settings)
    page = client.get(f"/admin/contracts/operator/{operator.pk}/change/")
    assert page.status_code == 200
    data = {name: value for name, value in _initial(page).items() if value is not None}
    data |= {
        "texts-TOTAL_FORMS": "1", "texts-INITIAL_FORMS": "0", "texts-0-place": "closing", "texts-0-language": "en",
        "texts-0-text": "Questions? Call us.", "texts-0-operator": str(operator.pk),
    }  # fmt: skip
    answer = client.post(f"/admin/contracts/operator/{operator.pk}/change/", data)
    assert answer.status_code == 302, answer.context["errors"]
    (text,) = OperatorText.objects.all()
    assert (text.place, text.language, text.text) == ("closing", "en", "Questions? Call us.")
    assert AuditRecord.objects.filter(action__contains="operatortext").exists()


def _initial(page: object) -> dict[str, object]:
    form = page.context["adminform"].form
    return {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
