"""What a dunning plan has to be, levels without a gap, each later than the one before, and what it says. Pure."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evbilling.kernel.errors import BadInput, require

STANDARD = ((1, 3, "remind"), (2, 14, "remind"), (3, 28, "escalate"))
"""The plan that an operator begins with: (level, days after the due date, action), without fees."""


def level_sentence(level: int, days: int, *, escalate: bool = False, fee: str = "") -> str:
    """What happens at a level, as the contract's document says it; `fee` is its amount in words, empty without one."""
    values = {"level": level, "days": days, "fee": fee}
    if escalate:
        words = ngettext(
            "Level %(level)s, %(days)s day after the due date: a person of the operator decides what follows.",
            "Level %(level)s, %(days)s days after the due date: a person of the operator decides what follows.",
            days,
        )
    elif fee:
        words = ngettext(
            "Level %(level)s, %(days)s day after the due date: a reminder, with a fee of %(fee)s.",
            "Level %(level)s, %(days)s days after the due date: a reminder, with a fee of %(fee)s.",
            days,
        )
    else:
        words = ngettext(
            "Level %(level)s, %(days)s day after the due date: a reminder without a fee.",
            "Level %(level)s, %(days)s days after the due date: a reminder without a fee.",
            days,
        )
    return words % values


def check_levels(levels: Sequence[tuple[int, int]]) -> None:
    """Raise BadInput unless the levels count 1, 2, 3 ... and their days rise; `levels` are (level, days)."""
    before = 0
    for expected, (level, days) in enumerate(sorted(levels), 1):
        require(level == expected, BadInput(_("level"), level, _("Number the levels 1, 2, 3 without a gap.")))
        advice = _("Level %(level)s has to come later than the one before it, day %(before)s.")
        require(days > before, BadInput(_("days"), days, advice % {"level": level, "before": before}))
        before = days
