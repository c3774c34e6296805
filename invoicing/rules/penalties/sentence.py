"""Why a penalty is due, in one plain sentence in English or German, from its because."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from evbilling.shell.formats import format_money
from sessions.rules.rating.conditions import Tongue

_WORDS = {
    "en": {
        "overstay": "Session {session} stayed {stayed} min after charging had ended; after {grace} min of grace "
        "{billed} min at {price} are {full}",
        "session_cap": "at most {cap} a session",
        "day_cap": "at most {cap} a day, of which {used} were used",
        "no_show": "Reservation {session} was not used: it ended after {waited} min without charging, {grace} min were "
        "free",
        "late_fee": "Of {total} due on {due}, {open} were not paid by then",
        "statutory": "flat amount of Directive 2011/7/EU",
        "segment": "{open} for {days} days at {percent} % a year",
        "interest": "Interest on {total} due on {due}: {segments} (actual/365), together {accrued}",
        "booked": "less {booked} booked before",
        "dunning_fee": "{document}, due on {due}, was not paid: reminder of level {level} with {open} open",
        "failed_payment": "Payment {payment} of {document} was refused: {failure}",
        "early_termination": "The contract ends on {ends}; under its terms it could end on {may}",
        "fixed": "the agreed fee is {amount}",
        "months": "{count} months of base fee at {fee}",
        "remaining": "{percent} % of the {rest} committed until then",
        "uptime": "{unit} was in service {uptime} % of the time, {promised} % were promised: {down} of {whole} min "
        "out of service",
        "points": "{points} points at {percent} % of {charges}",
        "credit": "{amount} are credited",
        "cap": "at most {cap}",
    },
    "de": {
        "overstay": "Ladevorgang {session} stand nach Ladeende noch {stayed} min; nach {grace} min Karenz kosten "
        "{billed} min zu {price} {full}",
        "session_cap": "höchstens {cap} je Ladevorgang",
        "day_cap": "höchstens {cap} je Tag, davon {used} verbraucht",
        "no_show": "Reservierung {session} wurde nicht genutzt: sie endete nach {waited} min ohne Ladung, {grace} min "
        "waren frei",
        "late_fee": "Von {total}, fällig am {due}, waren bis dahin {open} nicht bezahlt",
        "statutory": "Pauschale der Richtlinie 2011/7/EU",
        "segment": "{open} für {days} Tage zu {percent} % im Jahr",
        "interest": "Zinsen auf {total}, fällig am {due}: {segments} (taggenau/365), zusammen {accrued}",
        "booked": "abzüglich schon gebuchter {booked}",
        "dunning_fee": "{document}, fällig am {due}, war nicht bezahlt: Mahnung der Stufe {level} über {open}",
        "failed_payment": "Zahlung {payment} zu {document} wurde abgelehnt: {failure}",
        "early_termination": "Der Vertrag endet am {ends}; nach seinen Bedingungen konnte er am {may} enden",
        "fixed": "vereinbart sind {amount}",
        "months": "{count} Monate Grundgebühr zu {fee}",
        "remaining": "{percent} % der bis dahin zugesagten {rest}",
        "uptime": "{unit} war {uptime} % der Zeit in Betrieb, zugesagt sind {promised} %: {down} von {whole} min "
        "außer Betrieb",
        "points": "{points} Punkte zu {percent} % von {charges}",
        "credit": "gutgeschrieben werden {amount}",
        "cap": "höchstens {cap}",
    },
}


class _Speaker:
    """The because of one penalty with the words to say it."""

    def __init__(self, because: Mapping[str, Any], currency: str, language: str) -> None:
        self.because, self.tongue = because, Tongue(language, currency)
        self.words = _WORDS[self.tongue.spoken]

    def money(self, name: str) -> str:
        """An amount of the because."""
        return self.amount(self.because[name])

    def amount(self, number: str) -> str:
        """An amount in the currency."""
        return format_money(Decimal(number), self.tongue.currency, self.tongue.spoken)

    def number(self, name: str) -> str:
        """A figure with the language's decimal mark."""
        return self.tongue.number(Decimal(self.because[name]))

    def day(self, name: str) -> str:
        """A day as documents show it."""
        return self.tongue.day(self.because[name])

    def say(self, phrase: str, **values: object) -> str:
        """A phrase of the language."""
        return self.words[phrase].format(**values)


def penalty_sentence(kind: str, because: Mapping[str, Any], currency: str, language: str = "en") -> str:
    """One sentence that says how a penalty of the kind came about; `language` en or de, others read English."""
    return ", ".join(_PHRASES[kind](_Speaker(because, currency, language))) + "."


def _overstay(one: _Speaker) -> list[str]:
    why = one.because
    parts = [
        one.say(
            "overstay",
            session=why["session"],
            stayed=why["stayed_minutes"],
            grace=why["grace_minutes"],
            billed=why["billed_minutes"],
            price=one.tongue.price(Decimal(why["price_per_minute"])),
            full=one.money("full_amount"),
        )
    ]
    if why["session_cap"] is not None and Decimal(why["session_cap"]) < Decimal(why["full_amount"]):
        parts.append(one.say("session_cap", cap=one.money("session_cap")))
    before_day = min(Decimal(why["full_amount"]), Decimal(why["session_cap"] or why["full_amount"]))
    if why["day_cap"] is not None and Decimal(why["amount"]) < before_day:
        parts.append(one.say("day_cap", cap=one.money("day_cap"), used=one.money("day_used")))
    return parts


def _no_show(one: _Speaker) -> list[str]:
    why = one.because
    return [one.say("no_show", session=why["session"], waited=why["waited_minutes"], grace=why["grace_minutes"])]


def _late_fee(one: _Speaker) -> list[str]:
    parts = [
        one.say("late_fee", total=one.money("total"), due=one.day("due_on"), open=one.money("open_when_due")),
    ]
    return [*parts, one.say("statutory")] if one.because["statutory"] else parts


def _interest(one: _Speaker) -> list[str]:
    segments = " + ".join(
        one.say(
            "segment",
            open=one.amount(each["open"]),
            days=each["days"],
            percent=one.tongue.number(Decimal(each["percent"])),
        )
        for each in one.because["segments"]
    )
    parts = [
        one.say(
            "interest",
            total=one.money("total"),
            due=one.day("due_on"),
            segments=segments,
            accrued=one.money("accrued"),
        )
    ]
    return (
        [*parts, one.say("booked", booked=one.money("booked_before"))] if one.because["booked_before"] != "0" else parts
    )


def _failed_payment(one: _Speaker) -> list[str]:
    why = one.because
    failure = (why["failure"] or "?").replace("_", " ")
    return [one.say("failed_payment", payment=why["payment"], document=why["document"], failure=failure)]


def _dunning_fee(one: _Speaker) -> list[str]:
    why = one.because
    values = {"due": one.day("due_on"), "level": why["level"], "open": one.money("open")}
    return [one.say("dunning_fee", document=why["document"], **values)]


def _early_termination(one: _Speaker) -> list[str]:
    why = one.because
    parts = [one.say("early_termination", ends=one.day("ends_on"), may=one.day("may_end_on"))]
    if why["fixed_amount"] is not None:
        return [*parts, one.say("fixed", amount=one.money("amount"))]
    if why["months_of_base_fee"] is not None:
        return [*parts, one.say("months", count=why["months_of_base_fee"], fee=one.money("monthly_base_fee"))]
    return [*parts, one.say("remaining", percent=one.number("percent"), rest=one.money("remaining_commitment"))]


def _uptime(one: _Speaker) -> list[str]:
    why = one.because
    parts = [
        one.say(
            "uptime",
            unit=why["unit"],
            uptime=one.number("uptime_percent"),
            promised=one.number("promised_percent"),
            down=one.number("down_minutes"),
            whole=one.number("whole_minutes"),
        )
    ]
    if why["credit_percent_per_point"] is not None:
        parts.append(
            one.say(
                "points",
                points=one.number("missed_points"),
                percent=one.number("credit_percent_per_point"),
                charges=one.money("charges"),
            )
        )
    parts.append(one.say("credit", amount=one.money("amount")))
    if why["cap"] is not None and why["cap"] == why["amount"]:
        parts.append(one.say("cap", cap=one.money("cap")))
    return parts


_PHRASES: dict[str, Callable[[_Speaker], list[str]]] = {
    "overstay": _overstay,
    "no_show": _no_show,
    "late_fee": _late_fee,
    "interest": _interest,
    "dunning_fee": _dunning_fee,
    "failed_payment": _failed_payment,
    "early_termination": _early_termination,
    "uptime": _uptime,
}
