"""The sentences of the findings in English and German, by wording; most are named like their code."""

from __future__ import annotations

from enum import StrEnum


class Named(StrEnum):
    """What a message calls a value that it does not print; each language has its own word."""

    OBJECT = "an object"
    LIST = "a list"
    LONG_NUMBER = "a number of many digits"
    POWER = "power"
    CURRENT = "current"
    WITHOUT_VAT = "without VAT"
    WITH_VAT = "with VAT"


NAMED: dict[str, dict[Named, str]] = {
    "en": {each: each.value for each in Named},
    "de": {
        Named.OBJECT: "ein Objekt",
        Named.LIST: "eine Liste",
        Named.LONG_NUMBER: "eine Zahl mit vielen Stellen",
        Named.POWER: "Leistung",
        Named.CURRENT: "Stromstärke",
        Named.WITHOUT_VAT: "ohne USt.",
        Named.WITH_VAT: "mit USt.",
    },
}

FINDINGS: dict[str, dict[str, str]] = {
    "en": {
        # any JSON
        "not_an_object": "Expected an object, found {value}.",
        "unknown_key": "The field {name} is not known here.",
        "unknown_key_meant": "The field {name} is not known here. Did you mean {close}?",
        "missing": "The field {name} is required.",
        "not_a_number": "{name} must be a number, found {value}.",
        "not_meant": "{name} has a size or precision that cannot be meant: {value}.",
        "too_low": "{name} must be at least {lowest}, found {value}.",
        "too_high": "{name} must be at most {highest}, found {value}.",
        "not_whole": "{name} must be a whole number, found {value}.",
        "not_a_text": "{name} must be a text, found {value}.",
        "not_a_flag": "{name} must be true or false, found {value}.",
        "unknown_value": "{name} must be one of {choices}, found {value}.",
        "not_a_list": "{name} must be a list, found {value}.",
        "too_many": "{name} has {count} entries; at most {most} are read.",
        "empty": "{name} must not be empty.",
        "not_an_instant": "{name} must be a time like 2026-03-01T10:00:00Z, found {value}.",
        "instant_not_utc": "{name} should be in UTC; {value} was converted.",
        "not_a_time": "{name} must be HH:MM from 00:00 to 23:59 (end of day: 00:00), found {value}.",
        "not_a_date": "{name} must be a date like 2026-03-01, found {value}.",
        # the request
        "unknown_version": "The OCPI version must be one of {choices}.",
        "session_or_cdr": "Give either a session or a cdr.",
        "unknown_zone": "{value} is not an IANA time zone like Europe/Berlin.",
        "tariff_or_tariffs": "Give either tariff or tariffs.",
        "no_tariff": "There is no tariff to price the session with.",
        "currency_differs": "It is in {value}, but the tariff is in {currency}.",
        "tariff_currencies": "All tariffs of a session must be in {currency}, this one is in {value}.",
        "duplicate_tariff": "The tariff id {tariff} is given twice.",
        # tariffs
        "not_a_currency": "currency must be an ISO 4217 code like EUR, found {value}.",
        "never_valid": "The tariff ends before it starts.",
        "limit_contradicts": "{name}: {upper} is lower than {lower}.",
        "limits_contradict": "min_price is higher than max_price.",
        "duplicate_component": "This element prices {dimension} twice.",
        "reservation_dimension": "A reservation has a FLAT fee and TIME, not {dimension}.",
        "tax_contradicts": "The tariff says that no tax applies (tax_included N/A), yet vat is set.",
        "step_too_large": "step_size cannot be {value}: at most {highest} Wh or seconds.",
        "range_is_empty": "{lower} is not below {upper}: this element never applies.",
        "dates_are_empty": "end_date (exclusive) is not after start_date: this element never applies.",
        "window_wraps_midnight": (
            "The window wraps midnight: its hours after midnight count for the weekday on which they fall."
        ),
        "duplicate_value": "{value} is listed twice.",
        "not_a_day": "{value} is not a day like MONDAY.",
        # sessions and records
        "no_periods": "The session has no charging periods, so there is nothing to price.",
        "record_without_periods": "The record has no charging periods, so there is nothing to price.",
        "reservation_expiry_inferred": "Only reserved time: priced as an expired reservation.",
        "total_energy_differs": "total_energy is {stated} kWh, the charging periods add up to {measured} kWh.",
        "total_time_differs": "{name} is {stated} h, the charging periods add up to {measured} h.",
        "reservation_too_long": "The reservation is longer than a year.",
        "too_long": "The session is longer than a year.",
        "duplicate_dimension": "This period states {dimension} twice.",
        "ends_before_start": "The session ends before it starts.",
        "period_gap": "No period covers the time from {since} to {until}.",
        "period_gap_at_end": "No period covers the time from {since} to the end.",
        "period_before_session": "The period starts at {at}, before the session.",
        "period_after_session": "The period starts at {at}, after the session's end.",
        "period_ends_after_session": "The period ends at {at}, after the session's end.",
        "period_out_of_order": "The period starts at {at}, before the one before it ends ({before}).",
        "next_out_of_order": "The next period starts before this one ({at}).",
        "time_differs": "The period lasts {clock} s by the clock, its times add up to {stated} s.",
        "range_contradicts": "The least {what} of the period is above its greatest.",
        "energy_exceeds_power": ("{energy} kWh in {clock} s is more than {most} kW: check unit and meter readings."),
        # pricing
        "period_apportioned": ("The price changes inside this period: its volume was divided in proportion to time."),
        "band_unknown": "The tariff depends on {what}, which this period does not state.",
        "band_crossed": "The {what} crosses a limit of the tariff inside this period.",
        "time_not_stated": "The tariff prices charging time, but this period states no TIME.",
        "tariff_not_named": "This period names no tariff, and there are {count} to choose from: set tariff_id.",
        "unknown_tariff": "The tariff {tariff} is not among the given ones ({known}).",
        "tariff_not_valid": "The session starts outside the validity of tariff {tariff}.",
        "tariff_zone_unknown": (
            "Tariff {tariff} has local times, but the site's time zone is not given: UTC was taken."
        ),
        "vat_unknown": "Tariff {tariff} states no VAT for {dimension}: not all totals are known.",
        # a partner's costs
        "credit_record": "A credit record reverses another one: its amounts were not compared.",
        "cost_differs": "{name} {what} is {stated} {currency}, we find {ours}.",
    },
    "de": {
        "not_an_object": "Ein Objekt wird erwartet, gefunden wurde: {value}.",
        "unknown_key": "Das Feld {name} ist hier nicht bekannt.",
        "unknown_key_meant": "Das Feld {name} ist hier nicht bekannt. Ist {close} gemeint?",
        "missing": "Das Feld {name} fehlt.",
        "not_a_number": "{name} muss eine Zahl sein, gefunden wurde: {value}.",
        "not_meant": "{name} hat eine Größe oder Genauigkeit, die nicht gemeint sein kann: {value}.",
        "too_low": "{name} muss mindestens {lowest} sein, gefunden wurde: {value}.",
        "too_high": "{name} darf höchstens {highest} sein, gefunden wurde: {value}.",
        "not_whole": "{name} muss eine ganze Zahl sein, gefunden wurde: {value}.",
        "not_a_text": "{name} muss ein Text sein, gefunden wurde: {value}.",
        "not_a_flag": "{name} muss true oder false sein, gefunden wurde: {value}.",
        "unknown_value": "{name} muss eines von {choices} sein, gefunden wurde: {value}.",
        "not_a_list": "{name} muss eine Liste sein, gefunden wurde: {value}.",
        "too_many": "{name} hat {count} Einträge; höchstens {most} werden gelesen.",
        "empty": "{name} darf nicht leer sein.",
        "not_an_instant": "{name} muss ein Zeitpunkt wie 2026-03-01T10:00:00Z sein, gefunden wurde: {value}.",
        "instant_not_utc": "{name} sollte in UTC stehen; {value} wurde umgerechnet.",
        "not_a_time": "{name} muss HH:MM von 00:00 bis 23:59 sein (Tagesende: 00:00), gefunden wurde: {value}.",
        "not_a_date": "{name} muss ein Datum wie 2026-03-01 sein, gefunden wurde: {value}.",
        "unknown_version": "Die OCPI-Version muss eine von {choices} sein.",
        "session_or_cdr": "Geben Sie entweder session oder cdr an.",
        "unknown_zone": "{value} ist keine IANA-Zeitzone wie Europe/Berlin.",
        "tariff_or_tariffs": "Geben Sie entweder tariff oder tariffs an.",
        "no_tariff": "Es gibt keinen Tarif, nach dem der Ladevorgang berechnet werden kann.",
        "currency_differs": "Die Währung ist {value}, der Tarif steht in {currency}.",
        "tariff_currencies": "Alle Tarife eines Ladevorgangs müssen in {currency} stehen, dieser steht in {value}.",
        "duplicate_tariff": "Die Tarif-ID {tariff} ist zweimal angegeben.",
        "not_a_currency": "currency muss ein Code nach ISO 4217 wie EUR sein, gefunden wurde: {value}.",
        "never_valid": "Der Tarif endet, bevor er beginnt.",
        "limit_contradicts": "{name}: {upper} ist niedriger als {lower}.",
        "limits_contradict": "min_price ist höher als max_price.",
        "duplicate_component": "Dieses Element hat zwei Preise für {dimension}.",
        "reservation_dimension": "Eine Reservierung hat eine Gebühr (FLAT) und Zeit (TIME), nicht {dimension}.",
        "tax_contradicts": "Der Tarif sagt, dass keine Steuer anfällt (tax_included N/A), vat ist aber angegeben.",
        "step_too_large": "step_size kann nicht {value} sein: höchstens {highest} Wh oder Sekunden.",
        "range_is_empty": "{lower} liegt nicht unter {upper}: Dieses Element gilt nie.",
        "dates_are_empty": "end_date (ausschließlich) liegt nicht nach start_date: Dieses Element gilt nie.",
        "window_wraps_midnight": (
            "Das Zeitfenster geht über Mitternacht: Seine Stunden danach zählen zu dem Wochentag, auf den sie fallen."
        ),
        "duplicate_value": "{value} ist zweimal genannt.",
        "not_a_day": "{value} ist kein Tag wie MONDAY.",
        "no_periods": "Der Ladevorgang hat keine Abschnitte, es gibt also nichts zu berechnen.",
        "record_without_periods": "Der Datensatz hat keine Abschnitte, es gibt also nichts zu berechnen.",
        "reservation_expiry_inferred": "Nur reservierte Zeit: als verfallene Reservierung berechnet.",
        "total_energy_differs": "total_energy ist {stated} kWh, die Abschnitte ergeben {measured} kWh.",
        "total_time_differs": "{name} ist {stated} h, die Abschnitte ergeben {measured} h.",
        "reservation_too_long": "Die Reservierung ist länger als ein Jahr.",
        "too_long": "Der Ladevorgang ist länger als ein Jahr.",
        "duplicate_dimension": "Dieser Abschnitt nennt {dimension} zweimal.",
        "ends_before_start": "Der Ladevorgang endet, bevor er beginnt.",
        "period_gap": "Kein Abschnitt deckt die Zeit von {since} bis {until} ab.",
        "period_gap_at_end": "Kein Abschnitt deckt die Zeit von {since} bis zum Ende ab.",
        "period_before_session": "Der Abschnitt beginnt um {at}, vor dem Ladevorgang.",
        "period_after_session": "Der Abschnitt beginnt um {at}, nach dem Ende des Ladevorgangs.",
        "period_ends_after_session": "Der Abschnitt endet um {at}, nach dem Ende des Ladevorgangs.",
        "period_out_of_order": "Der Abschnitt beginnt um {at}, bevor der vorige endet ({before}).",
        "next_out_of_order": "Der nächste Abschnitt beginnt vor diesem ({at}).",
        "time_differs": "Der Abschnitt dauert nach der Uhr {clock} s, seine Zeiten ergeben {stated} s.",
        "range_contradicts": "Der kleinste Wert des Abschnitts für {what} liegt über dem größten.",
        "energy_exceeds_power": (
            "{energy} kWh in {clock} s sind mehr als {most} kW: Prüfen Sie Einheit und Zählerstände."
        ),
        "period_apportioned": (
            "Der Preis wechselt innerhalb dieses Abschnitts: Seine Menge wurde nach der Zeit aufgeteilt."
        ),
        "band_unknown": "Der Preis hängt von der {what} ab, die dieser Abschnitt nicht nennt.",
        "band_crossed": "Die {what} überschreitet innerhalb dieses Abschnitts eine Grenze des Tarifs.",
        "time_not_stated": "Der Tarif berechnet Ladezeit, dieser Abschnitt nennt aber keine (TIME).",
        "tariff_not_named": ("Dieser Abschnitt nennt keinen Tarif, zur Wahl stehen {count}: Geben Sie tariff_id an."),
        "unknown_tariff": "Der Tarif {tariff} ist nicht unter den angegebenen ({known}).",
        "tariff_not_valid": "Der Ladevorgang beginnt außerhalb der Gültigkeit von Tarif {tariff}.",
        "tariff_zone_unknown": (
            "Tarif {tariff} hat Ortszeiten, die Zeitzone des Standorts fehlt aber: UTC wurde angenommen."
        ),
        "vat_unknown": "Tarif {tariff} nennt keine USt. für {dimension}: Nicht alle Summen sind bekannt.",
        "credit_record": "Ein Storno hebt einen anderen Datensatz auf: Seine Beträge wurden nicht verglichen.",
        "cost_differs": "{name} {what} ist {stated} {currency}, wir errechnen {ours}.",
    },
}
