"""The because of a price as a good bill says it, in English or German.

`because_sentence` says everything of one line, tariff and element included: for the page of a session. `because_short`
says a whole price in one line of small print: for documents.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sessions.rules.rating.conditions import Tongue, conditions
from sessions.rules.rating.result import RatingLine

_MILLI = Decimal("0.001")
_TIMES = ("TIME", "PARKING_TIME", "RESERVATION")
_WORDS = {
    "en": {
        "FLAT": "Fee",
        "ENERGY": "Energy",
        "TIME": "Charging time",
        "PARKING_TIME": "Idle time",
        "RESERVATION": "Reserved time",
        "reservation_fee": "Reservation fee",
        "kWh": "kWh",
        "h": "hour",
        "used": "{label}: {volume} at {price} per {unit}",
        "fee": "{label}: {price} once",
        "stepped": "{label}: {volume}, billed as {billed} in steps of {step}, at {price} per {unit}",
        "taxed": "tax included",
        "place": "tariff {tariff}, element {element}",
        "apportioned": "divided in proportion to time where the price changes inside a period",
        "max_price": "The maximum price of {limit} takes off {amount} (tariff {tariff})",
        "min_price": "The minimum price of {limit} adds {amount} (tariff {tariff})",
        "window_cap": "{label}: from {start} to {end} ({day}) at most {limit}, so {amount} of {before} are taken off "
        "(contract)",
    },
    "de": {
        "FLAT": "Gebühr",
        "ENERGY": "Energie",
        "TIME": "Ladezeit",
        "PARKING_TIME": "Standzeit",
        "RESERVATION": "Reservierte Zeit",
        "reservation_fee": "Reservierungsgebühr",
        "kWh": "kWh",
        "h": "Stunde",
        "used": "{label}: {volume} zu {price} je {unit}",
        "fee": "{label}: einmalig {price}",
        "stepped": "{label}: {volume}, berechnet als {billed} in Schritten von {step}, zu {price} je {unit}",
        "taxed": "Steuer enthalten",
        "place": "Tarif {tariff}, Element {element}",
        "apportioned": "nach Zeit aufgeteilt, wo der Preis innerhalb eines Abschnitts wechselt",
        "max_price": "Der Höchstpreis von {limit} mindert um {amount} (Tarif {tariff})",
        "min_price": "Der Mindestpreis von {limit} erhöht um {amount} (Tarif {tariff})",
        "window_cap": "{label}: von {start} bis {end} ({day}) höchstens {limit}, deshalb entfallen {amount} von "
        "{before} (Vertrag)",
    },
}
_SHORT = {
    "en": {
        "FLAT": "fee",
        "ENERGY": "energy",
        "TIME": "time",
        "PARKING_TIME": "idle time",
        "RESERVATION": "reserved time",
        "reservation_fee": "reservation fee",
        "used": "{volume} at {price}/{unit}",
        "free": "{volume} free of charge",
        "hours": "counted in hours",
        "minutes": "counted in minutes",
        "whole": "counted in whole kWh",
        "steps": "counted in steps of {step}",
        "taxed": "tax included",
        "max_price": "at most {limit}: {minus}{amount}",
        "min_price": "at least {limit}: +{amount}",
        "window_cap": "{label} {start} to {end} at most {limit}: {minus}{amount}",
    },
    "de": {
        "FLAT": "Gebühr",
        "ENERGY": "Energie",
        "TIME": "Zeit",
        "PARKING_TIME": "Standzeit",
        "RESERVATION": "reservierte Zeit",
        "reservation_fee": "Reservierungsgebühr",
        "used": "{volume} zu {price}/{unit}",
        "free": "{volume} kostenlos",
        "hours": "nach Stunden gezählt",
        "minutes": "nach Minuten gezählt",
        "whole": "nach vollen kWh gezählt",
        "steps": "in Schritten von {step} gezählt",
        "taxed": "Steuer enthalten",
        "max_price": "höchstens {limit}: {minus}{amount}",
        "min_price": "mindestens {limit}: +{amount}",
        "window_cap": "{label} {start} bis {end} höchstens {limit}: {minus}{amount}",
    },
}


def because_sentence(line: RatingLine, currency: str, language: str = "en") -> str:
    """One sentence that says how the line came about; `language` en or de, others read English."""
    tongue = Tongue(language, currency)
    words, why = _WORDS[tongue.spoken], line.because
    if why.clamp is not None:
        return words[why.clamp].format(**_clamp(line, words, tongue), tariff=why.tariff_id) + "."
    kind = "fee" if line.dimension == "FLAT" else "stepped" if why.step_applied else "used"
    text = words[kind].format(
        label=_label(line, words, tongue),
        volume=_volume(line.dimension, line.volume, tongue),
        billed=_volume(line.dimension, line.billed_volume, tongue),
        step=_step(line, tongue),
        price=tongue.price(line.unit_price),
        unit=words["h" if line.dimension in _TIMES else "kWh"],
    )
    parts = [words["place"].format(tariff=why.tariff_id, element=1 + (why.element or 0))]
    if why.tax_included:
        parts.append(words["taxed"])
    if why.apportioned:
        parts.append(words["apportioned"])
    return f"{text} ({', '.join(parts)})."


def because_short(lines: Iterable[RatingLine], currency: str, language: str = "en") -> str:
    """A whole price in one line: "Energy 7.05 kWh at $0.26/kWh · time after 4 h: 54 min at $1.20/h (…)".

    Volumes are the billed ones; tariff and element are left to the page of the session.
    """
    tongue = Tongue(language, currency)
    text = " · ".join(_short(line, tongue) for line in lines)
    return text[:1].upper() + text[1:]


def _short(line: RatingLine, tongue: Tongue) -> str:
    words, why = _SHORT[tongue.spoken], line.because
    if why.clamp is not None:
        return words[why.clamp].format(**_clamp(line, words, tongue), minus="\N{MINUS SIGN}")
    label = _label(line, words, tongue)
    if conditions(why.restrictions, tongue):
        label += ":"
    price = tongue.price(line.unit_price)
    if line.dimension == "FLAT":
        text = price
    else:
        unit = "h" if line.dimension in _TIMES else "kWh"
        volume = _volume(line.dimension, line.billed_volume, tongue)
        text = words["used" if line.unit_price else "free"].format(volume=volume, price=price, unit=unit)
    notes = [_counted(line, words, tongue)] if why.step_applied and line.unit_price else []
    if why.tax_included:
        notes.append(words["taxed"])
    return f"{label} {text}" + (f" ({', '.join(notes)})" if notes else "")


def _label(line: RatingLine, words: dict[str, str], tongue: Tongue) -> str:
    """What is paid for and when: "Charging time after 4 h"."""
    name = words["reservation_fee" if line.dimension == "FLAT" and line.because.reservation else line.dimension]
    return f"{name} {conditions(line.because.restrictions, tongue)}".rstrip()


def _volume(dimension: str, volume: Decimal, tongue: Tongue) -> str:
    """Hours as time, energy to the Wh; for reading only, the amount follows from the exact volume."""
    if dimension in _TIMES:
        return tongue.duration(volume * 3600)
    exponent = volume.as_tuple().exponent
    short = volume.quantize(_MILLI) if isinstance(exponent, int) and exponent < -3 else volume
    return tongue.measure(short, "kWh")


def _step(line: RatingLine, tongue: Tongue) -> str:
    size = line.because.step_size
    return tongue.duration(size) if line.dimension in _TIMES else tongue.measure(Decimal(size) / 1000, "kWh")


def _counted(line: RatingLine, words: dict[str, str], tongue: Tongue) -> str:
    whole = {3600: "hours", 60: "minutes"} if line.dimension in _TIMES else {1000: "whole"}
    return words[whole.get(line.because.step_size, "steps")].format(step=_step(line, tongue))


def _clamp(line: RatingLine, words: dict[str, str], tongue: Tongue) -> dict[str, str]:
    why = line.because
    changed = line.amount_excl_vat if line.amount_excl_vat else line.amount_incl_vat
    amount = abs(changed or Decimal(0))
    said = {"limit": tongue.price(why.limit or Decimal(0)), "amount": tongue.price(amount)}
    if why.window is None:
        return said
    start, end, day = why.window
    return said | {
        "label": words[line.dimension],
        "start": tongue.clock(start),
        "end": tongue.clock(end),
        "day": tongue.day(day),
        "before": tongue.price(why.before or Decimal(0)),
    }


def because_data(line: RatingLine) -> dict[str, object]:
    """The because of a line as JSON data; numbers as Decimals."""
    why = line.because
    if why.window is not None:
        where = {"window": list(why.window), "before": why.before}
        return {"tariff_id": why.tariff_id, "clamp": why.clamp, "limit": why.limit, **where}
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
