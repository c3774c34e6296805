"""The lifecycle of a contract: the one table of steps that are allowed.

draft -> offered -> active <-> suspended -> ended        (offered -> draft when the offer is withdrawn)
"""

from enum import StrEnum

from evbilling.kernel.errors import WrongState, refuse


class Step(StrEnum):
    """What is done to a contract."""

    OFFER = "offer"
    WITHDRAW = "withdraw"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    END = "end"


TRANSITIONS: dict[tuple[str, Step], str] = {
    ("draft", Step.OFFER): "offered",
    ("offered", Step.WITHDRAW): "draft",
    ("offered", Step.ACTIVATE): "active",
    ("active", Step.SUSPEND): "suspended",
    ("suspended", Step.RESUME): "active",
    ("active", Step.END): "ended",
    ("suspended", Step.END): "ended",
}
"""(state, step) -> the state it leads to. What is not here is refused."""


def steps_from(state: str) -> frozenset[Step]:
    """The steps that are open in a state."""
    return frozenset(step for (start, step) in TRANSITIONS if start == state)


def next_state(state: str, step: Step, *, number: str, named: str, refusal: str) -> str:
    """The state that a step leads to. Raises WrongState with the sentence `refusal` where it leads nowhere.

    `refusal` may name %(number)s and %(state)s, which is the state as people call it (`named`).
    """
    found = TRANSITIONS.get((state, step))
    return found if found is not None else refuse(WrongState(refusal % {"number": number, "state": named}))
