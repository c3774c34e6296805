"""What the commands of this app read from their words: days, and which operator."""

import argparse
import datetime as dt

from contracts.models import Operator
from evbilling.kernel.errors import BadInput


def day(text: str) -> dt.date:
    """YYYY-MM-DD. Raises ArgumentTypeError for anything else."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date; write it as YYYY-MM-DD.") from None


def one_operator(operator_id: int | None) -> Operator:
    """The named operator, or the only one. Raises BadInput."""
    found = Operator.objects.all() if operator_id is None else Operator.objects.filter(pk=operator_id)
    operators = list(found[:2])
    if len(operators) != 1:
        raise BadInput("operator", operator_id, f"Name one with --operator ID. Known: {_known()}.")
    return operators[0]


def operators(operator_id: int | None) -> list[Operator]:
    """All in the order of their ids, or the one named. Raises BadInput."""
    if operator_id is None:
        return list(Operator.objects.order_by("pk"))
    named = list(Operator.objects.filter(pk=operator_id))
    if not named:
        raise BadInput("operator", operator_id, f"There is none with this id. Known: {_known()}.")
    return named


def _known() -> str:
    rows = Operator.objects.order_by("pk").values_list("pk", "legal_name")
    return ", ".join(f"{pk} {name}" for pk, name in rows) or "none"
