"""The because of a line in one plain sentence, in English or German."""

from __future__ import annotations

from decimal import Decimal

from sessions.rules.rating.numbers import plain
from sessions.rules.rating.result import UNIT_NAMES, RatingLine

_WORDS = {
    "en": {
        "FLAT": "Fee",
        "ENERGY": "Energy",
        "TIME": "Charging time",
        "PARKING_TIME": "Parking time",
        "RESERVATION": "Reserved time",
        "used": "{label}: {volume} at {price} {currency} per {unit}",
        "fee": "{label}: {price} {currency} once",
        "reservation_fee": "Reservation fee: {price} {currency} once",
        "stepped": "{label}: {volume}, billed as {billed} in steps of {step}, at {price} {currency} per {unit}",
        "taxed": "tax included",
        "place": "tariff {tariff}, element {element}",
        "when": "which applies where {restrictions}",
        "always": "which always applies",
        "apportioned": "divided in proportion to time where the price changes inside a period",
        "max_price": "The maximum price of {limit} {currency} takes off {amount} {currency} (tariff {tariff})",
        "min_price": "The minimum price of {limit} {currency} adds {amount} {currency} (tariff {tariff})",
    },
    "de": {
        "FLAT": "Gebühr",
        "ENERGY": "Energie",
        "TIME": "Ladezeit",
        "PARKING_TIME": "Parkzeit",
        "RESERVATION": "Reservierte Zeit",
        "used": "{label}: {volume} zu {price} {currency} je {unit}",
        "fee": "{label}: einmalig {price} {currency}",
        "reservation_fee": "Reservierungsgebühr: einmalig {price} {currency}",
        "stepped": "{label}: {volume}, berechnet als {billed} in Schritten von {step}, zu {price} {currency} je {unit}",
        "taxed": "Steuer enthalten",
        "place": "Tarif {tariff}, Element {element}",
        "when": "gültig bei {restrictions}",
        "always": "immer gültig",
        "apportioned": "nach Zeit aufgeteilt, wo der Preis innerhalb eines Abschnitts wechselt",
        "max_price": "Der Höchstpreis von {limit} {currency} mindert um {amount} {currency} (Tarif {tariff})",
        "min_price": "Der Mindestpreis von {limit} {currency} erhöht um {amount} {currency} (Tarif {tariff})",
    },
}


def because_sentence(line: RatingLine, currency: str, language: str = "en") -> str:
    """One sentence that says how the line came about; `language` en or de, others read English."""
    german = language.startswith("de")
    words = _WORDS["de" if german else "en"]

    def number(value: Decimal) -> str:
        return plain(value).replace(".", ",") if german else plain(value)

    why = line.because
    if why.clamp is not None:
        changed = line.amount_excl_vat if line.amount_excl_vat else line.amount_incl_vat
        amount, limit = number(abs(changed or Decimal(0))), number(why.limit or Decimal(0))
        return words[why.clamp].format(limit=limit, amount=amount, currency=currency, tariff=why.tariff_id) + "."
    unit = UNIT_NAMES[line.dimension]
    if line.dimension == "FLAT":
        kind = "reservation_fee" if why.reservation else "fee"
    else:
        kind = "stepped" if why.step_applied else "used"
    step = f"{why.step_size} Wh" if line.dimension == "ENERGY" else f"{why.step_size} s"
    text = words[kind].format(
        label=words[line.dimension],
        volume=f"{number(_short(line.volume))} {unit}",
        billed=f"{number(_short(line.billed_volume))} {unit}",
        step=step,
        price=number(line.unit_price),
        currency=currency,
        unit=unit,
    )
    place = words["place"].format(tariff=why.tariff_id, element=1 + (why.element or 0))
    stated = ", ".join(f"{name} {value}" for name, value in why.restrictions)
    parts = [place, words["when"].format(restrictions=stated) if stated else words["always"]]
    if why.tax_included:
        parts.append(words["taxed"])
    if why.apportioned:
        parts.append(words["apportioned"])
    return f"{text} ({', '.join(parts)})."


def because_data(line: RatingLine) -> dict[str, object]:
    """The because of a line as JSON data; numbers as Decimals."""
    why = line.because
    if why.clamp is not None:
        return {"tariff_id": why.tariff_id, "clamp": why.clamp, "limit": why.limit}
    return {
        "tariff_id": why.tariff_id,
        "element": why.element,
        "component": why.component,
        "restrictions": dict(why.restrictions),
        "reservation": why.reservation,
        "step_size": why.step_size,
        "step_applied": why.step_applied,
        "apportioned": why.apportioned,
        "tax_included": why.tax_included,
    }


def _short(volume: Decimal) -> Decimal:
    """A volume with at most four decimals, for reading only."""
    exponent = volume.as_tuple().exponent
    return volume.quantize(Decimal("0.0001")) if isinstance(exponent, int) and exponent < -4 else volume
