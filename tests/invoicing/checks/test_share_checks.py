"""The books re-reckon what hosts earn: a good settlement is clean, each corruption is reported."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from evbilling.kernel.books import check_books
from invoicing.models import BilledCharge, InvoiceLine
from tests.factories import make_version
from tests.invoicing.month import OCTOBER, Month, make_month

pytestmark = pytest.mark.django_db
SHARES = {
    "percent": {"percent_of_net": Decimal(60)},
    "per_kwh": {"kind": "per_kwh", "per_kwh_amount": Decimal("0.05")},
    "fixed_rent": {"kind": "fixed_rent", "rent_amount": Decimal(500)},
    "greater_of": {"kind": "greater_of", "percent_of_net": Decimal(50), "rent_amount": Decimal(1)},
    "cost": {"kind": "cost", "per_kwh_amount": Decimal("0.30")},
}


def settled(kind: str) -> Month:
    month = make_month(2)
    make_version(month.contracts["host"], OCTOBER.start, shares=[SHARES[kind]])
    month.close()
    assert found() == []
    return month


def found() -> list[str]:
    results = [each for each in check_books(frozenset({"I7"})) if each.check.title.startswith("A host's lines")]
    return [finding.problem for result in results for finding in result.findings]


def line() -> InvoiceLine:
    return InvoiceLine.objects.get(because__has_key="share")


def dearer() -> None:
    InvoiceLine.objects.filter(pk=line().pk).update(net_amount=Decimal("0.07"))


def other_terms() -> None:
    one = line()
    one.because = json.loads(json.dumps(one.because).replace('"60"', '"61"').replace('"0.05"', '"0.06"'))
    one.because |= {name: "501" for name in ("rent",) if name in one.because}
    one.because |= {"per_kwh": "0.31"} if one.because["share"] == "cost" else {}
    InvoiceLine.objects.filter(pk=one.pk).update(because=one.because)


def without_a_charge() -> None:
    BilledCharge.objects.filter(line=line()).order_by("pk")[0].delete()


def without_reason() -> None:
    InvoiceLine.objects.filter(pk=line().pk).update(because={})


@pytest.mark.parametrize(
    ("kind", "corrupt", "said"),
    [
        ("percent", dearer, "says 0.0700; the host's share"),
        ("percent", other_terms, "the host's share of its charges is"),
        ("percent", without_a_charge, "its charges come to"),
        ("percent", without_reason, "does not say"),
        ("per_kwh", other_terms, "the host's share of its charges is"),
        ("fixed_rent", dearer, "500.00 is due for the month and 0 was settled before"),
        ("fixed_rent", other_terms, "by the host's terms it is 501.00"),
        ("greater_of", without_a_charge, "the month's shared charges come to"),
        ("cost", other_terms, "by the host's terms it is"),
    ],
)
def test_given_a_settlement_when_it_is_corrupted_then_the_books_say_so(
    without_protections: None, kind: str, corrupt: Callable[[], None], said: str
) -> None:
    settled(kind)
    corrupt()
    (problem,) = found()
    assert said in problem
