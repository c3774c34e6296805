"""min_price and max_price, VAT and tax-included prices, and the money that is owed in the end."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from sessions.rules.rating import RatingResult, session_charges
from tests.sessions.rating.build import codes, component, element, period, price, session, tariff

START = "2026-03-02T10:00:00Z"


def consumed(kwh: str, minutes: int = 60) -> dict[str, Any]:
    return session(START, None, period(START, minutes, ENERGY=kwh))


def fee_and_energy(**limits: Any) -> dict[str, Any]:
    stated = {key: {name: Decimal(value) for name, value in limit.items()} for key, limit in limits.items()}
    return tariff(element(component("FLAT", "0.50", vat="20"), component("ENERGY", "0.25", vat="10")), **stated)


def assert_lines_add_up(result: RatingResult) -> None:
    assert sum(line.exact_excl or 0 for line in result.lines) == result.exact_excl_vat
    assert sum(line.exact_incl or 0 for line in result.lines) == result.exact_incl_vat


def test_given_two_vat_rates_when_the_maximum_binds_then_lines_and_tax_add_up_to_the_clamped_totals() -> None:
    result = price(fee_and_energy(max_price={"excl_vat": "10", "incl_vat": "11"}), consumed("50"))

    assert (result.total_excl_vat, result.total_incl_vat) == (10, 11)
    assert_lines_add_up(result)
    assert [line.dimension for line in result.lines] == ["FLAT", "ENERGY", "MAX_PRICE", "MAX_PRICE"]
    assert [line.vat_rate for line in result.lines[2:]] == [20, 10]


def test_given_a_maximum_without_a_figure_with_vat_when_it_binds_then_the_vat_moves_with_it() -> None:
    result = price(fee_and_energy(max_price={"excl_vat": "6.50"}), consumed("50"))

    # 0.50 at 20 % and 12.50 at 10 %, both halved
    assert (result.exact_excl_vat, result.exact_incl_vat) == (Fraction("6.5"), Fraction("0.30") + Fraction("6.875"))
    assert_lines_add_up(result)


def test_given_only_the_limit_with_vat_is_exceeded_when_clamped_then_the_net_stays() -> None:
    result = price(fee_and_energy(max_price={"excl_vat": "10", "incl_vat": "10"}), consumed("38"))

    assert (result.total_excl_vat, result.total_incl_vat) == (10, 10)
    result = price(fee_and_energy(max_price={"excl_vat": "10", "incl_vat": "10.50"}), consumed("38"))
    assert (result.total_excl_vat, result.total_incl_vat) == (10, Decimal("10.50"))
    assert_lines_add_up(result)


def test_given_one_limit_binds_the_net_and_the_other_the_gross_when_clamped_then_both_hold() -> None:
    bound = {"excl_vat": Decimal(10), "incl_vat": Decimal(11)}
    document = tariff(element(component("ENERGY", "1", vat="19")), min_price=bound, max_price=bound)

    result = price(document, consumed("9.5"))

    # 9.50 is below the minimum without VAT, 11.305 above the maximum with VAT
    assert (result.total_excl_vat, result.total_incl_vat) == (10, 11)
    assert_lines_add_up(result)


def test_given_two_tariffs_with_minimums_when_each_priced_a_part_then_each_part_is_lifted() -> None:
    low = {"min_price": {"excl_vat": Decimal(2)}}
    first = tariff(element(component("ENERGY", "1", vat="19"))) | low
    stated = session(
        START,
        None,
        period(START, 10, ENERGY="1") | {"tariff_id": "T"},
        period("2026-03-02T10:10:00Z", 10, ENERGY="1") | {"tariff_id": "N"},
    )

    result = price([first, first | {"id": "N"}], stated)

    assert result.total_excl_vat == 4
    assert [line.because.tariff_id for line in result.lines if line.because.clamp] == ["T", "N"]


def test_given_a_minimum_when_nothing_was_priced_then_it_is_owed_at_the_tariffs_rate() -> None:
    document = tariff(element(component("TIME", "1", vat="10")), min_price={"excl_vat": Decimal("0.50")})

    result = price(document, consumed("1"))

    assert (result.total_excl_vat, result.total_incl_vat) == (Decimal("0.50"), Decimal("0.55"))
    assert [(line.dimension, line.vat_rate) for line in result.lines] == [("MIN_PRICE", 10)]
    assert codes(result) == ["time_not_stated"]


def test_given_a_minimum_when_the_reservation_expired_then_no_session_lifts_it() -> None:
    document = tariff(
        element(component("TIME", "1", vat="10"), reservation="RESERVATION"), min_price={"excl_vat": Decimal(5)}
    )
    expired = session(
        START, "2026-03-02T11:00:00Z", reservation={"start_date_time": START, "minutes": 60, "expired": True}
    )

    assert price(document, expired).total_excl_vat == 1


def test_given_a_session_above_the_minimum_when_priced_then_no_line_is_added() -> None:
    result = price(fee_and_energy(min_price={"excl_vat": "1", "incl_vat": "1.10"}), consumed("20"))

    assert result.total_excl_vat == Decimal("5.50")
    assert [line.dimension for line in result.lines] == ["FLAT", "ENERGY"]


def test_given_no_vat_in_the_tariff_when_priced_then_the_total_with_vat_is_unknown_and_it_says_so() -> None:
    result = price(tariff(element(component("ENERGY", "0.25"))), consumed("20"))

    assert (result.total_excl_vat, result.total_incl_vat) == (5, None)
    assert [finding.code for finding in result.findings] == ["vat_unknown"]


def test_given_no_vat_in_the_tariff_when_a_default_is_given_then_it_stands_in() -> None:
    result = price(tariff(element(component("ENERGY", "0.25"))), consumed("20"), default_vat=Decimal(19))

    assert (result.total_excl_vat, result.total_incl_vat) == (5, Decimal("5.95"))
    assert result.net_by_vat_rate == {Decimal(19): Fraction(5)}
    assert result.findings == ()


def test_given_tax_included_prices_with_a_rate_when_priced_then_the_net_is_worked_out_exactly() -> None:
    document = tariff(element(component("ENERGY", "0.59", vat="19")), tax_included="YES")

    result = price(document, consumed("10"), "2.3.0")

    assert (result.total_excl_vat, result.total_incl_vat) == (Decimal("4.96"), Decimal("5.90"))
    assert result.exact_excl_vat == Fraction("5.90") / Fraction("1.19")
    assert result.lines[0].because.tax_included


def test_given_tax_included_prices_without_a_rate_when_priced_then_only_the_total_with_tax_is_known() -> None:
    document = tariff(
        element(component("ENERGY", "0.59")), tax_included="YES", max_price={"before_taxes": 1, "after_taxes": 5}
    )

    result = price(document, consumed("10"), "2.3.0")

    assert (result.total_excl_vat, result.total_incl_vat) == (None, 5)


def test_given_no_taxes_apply_when_priced_then_both_totals_are_the_same() -> None:
    result = price(tariff(element(component("ENERGY", "0.59")), tax_included="N/A"), consumed("10"), "2.3.0")

    assert (result.total_excl_vat, result.total_incl_vat) == (Decimal("5.90"), Decimal("5.90"))


def test_given_a_price_when_charged_then_each_rate_is_rounded_half_up_once() -> None:
    document = tariff(element(component("FLAT", "0.125", vat="20"), component("ENERGY", "0.25", vat="10")))

    charges = session_charges(price(document, consumed("0.1")), 2)

    # 0.025 at 10 %: 0.03 and 0.0275 -> 0.03; 0.125 at 20 %: 0.13 and 0.15
    assert charges == (
        (Decimal(10), Decimal("0.03"), Decimal("0.03")),
        (Decimal(20), Decimal("0.13"), Decimal("0.15")),
    )


def test_given_a_clamped_price_when_charged_then_the_parts_meet_the_limit_to_the_cent() -> None:
    document = tariff(
        element(component("FLAT", "1", vat="7"), component("ENERGY", "1", vat="19"), component("TIME", "1", vat="0")),
        max_price={"excl_vat": Decimal("0.01") * 200},
    )
    stated = session(START, None, period(START, 60, ENERGY="1", TIME="1"))

    charges = session_charges(price(document, stated), 2)

    assert [net for _, net, _ in charges] == [Decimal("0.67"), Decimal("0.67"), Decimal("0.66")]


def test_given_a_price_without_known_tax_when_charged_then_the_gross_is_none() -> None:
    assert session_charges(price(tariff(element(component("ENERGY", "0.25"))), consumed("20")), 2) == (
        (None, Decimal("5.00"), None),
    )


def test_given_a_currency_without_decimals_when_totalled_then_it_is_rounded_to_whole_units() -> None:
    document = tariff(element(component("ENERGY", "30.5", vat="10"))) | {"currency": "JPY"}

    assert price(document, consumed("1")).total_excl_vat == 31
