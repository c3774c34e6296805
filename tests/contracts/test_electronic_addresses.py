"""Electronic addresses and buyer references, as forms and imports check them."""

import pytest

from contracts.rules.electronic_addresses import buyer_reference, endpoint
from evbilling.kernel.errors import BadInput


@pytest.mark.parametrize(
    ("scheme", "value", "kept"),
    [
        ("", "", ("", "")),
        ("9930", "DE811569869", ("9930", "DE811569869")),
        ("em", "books@fleet.example", ("EM", "books@fleet.example")),
        ("0088", "4012345000009", ("0088", "4012345000009")),
        ("0204", "04011000-1234512345-06", ("0204", "04011000-1234512345-06")),
        (" 0208 ", "0123 456 749", ("0208", "0123456749")),
    ],
)
def test_an_address_is_kept_without_blanks(scheme: str, value: str, kept: tuple[str, str]) -> None:
    assert endpoint(scheme, value) == kept


@pytest.mark.parametrize(
    ("scheme", "value", "named"),
    [
        ("9930", "", "electronic address"),
        ("", "DE811569869", "EAS list"),
        ("1234", "DE811569869", "EAS list"),
        ("EM", "not a mail", "mail address"),
        ("0088", "4012345000008", "GLN"),
        ("0204", "04011000-1234512345-07", "check digits"),
    ],
)
def test_an_address_that_reaches_nobody_is_refused(scheme: str, value: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        endpoint(scheme, value)


def test_a_leitweg_id_is_checked_and_any_other_reference_kept() -> None:
    assert buyer_reference(" 04011000-1234512345-06 ") == "04011000-1234512345-06"
    assert buyer_reference("Kst. 4711 / Frau Braun") == "Kst. 4711 / Frau Braun"
    assert buyer_reference("2026-12") == "2026-12"
    with pytest.raises(BadInput, match="check digits"):
        buyer_reference("04011000-1234512345-05")
