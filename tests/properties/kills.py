"""Steps that tests of their own kill at, by the test that does; that it does is looked at whenever it runs."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from evbilling.kernel import steps

_OFFER = "contracts/test_offers.py::TestMail::test_killed_while_it_is_sent_it_waits_for_a_person"
_EXPORT = "invoicing/delivery/test_channels.py::test_an_export_that_was_killed_anywhere_is_repeated_and_ends_the_same"
_CHARGE = "payments/test_payments.py::test_a_worker_that_dies_while_charging_ends_in_one_charge"
_ANSWER = (
    "invoicing/corrections/test_dispute_answers.py"
    "::test_a_worker_that_ends_after_sending_leaves_it_unknown_and_nobody_repeats_it"
)
KILLED_BY: dict[str, frozenset[str]] = {
    f"tests/{test}": frozenset(names)
    for test, names in {
        f"{_OFFER}[contracts.offer.composed-0]": {"contracts.offer.composed"},
        f"{_OFFER}[contracts.offer.sent-1]": {"contracts.offer.sent"},
        _ANSWER: {"invoicing.dispute.answer_sent"},
        f"{_EXPORT}[claimed]": {"invoicing.export.claimed"},
        f"{_EXPORT}[written]": {"invoicing.export.written"},
        f"{_EXPORT}[settled]": {"invoicing.export.settled"},
        "invoicing/penalties/test_killed.py::test_killed_where_penalties_are_written": {
            "invoicing.fee_note.written",
        },
        "invoicing/runs/test_killed.py::test_killed_at_each_named_step": {
            "invoicing.delivery.claimed",
            "invoicing.delivery.sent",
            "invoicing.delivery.settled",
            "invoicing.document.committed",
            "invoicing.document.drawn",
            "invoicing.document.stored",
        },
        f"{_CHARGE}[payments.charge.answered]": {"payments.charge.answered"},
        f"{_CHARGE}[payments.charge.sending]": {"payments.charge.sending"},
    }.items()
}


class Noting(list[Callable[[str], None]]):
    """Observers of steps; notes the names of those steps at which one of them ended the work."""

    def __init__(self) -> None:
        super().__init__()
        self.killed: set[str] = set()

    def __iter__(self) -> Iterator[Callable[[str], None]]:
        for observe in super().__iter__():
            yield self._noting(observe)

    def _noting(self, observe: Callable[[str], None]) -> Callable[[str], None]:
        def call(name: str) -> None:
            try:
                observe(name)
            except BaseException:
                self.killed.add(name)
                raise

        return call


@pytest.fixture(autouse=True)
def _kills_where_it_is_said_to(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test of KILLED_BY has killed at the steps that are named for it."""
    names = KILLED_BY.get(request.node.nodeid)
    if names is None:
        yield
        return
    noting: Any = Noting()
    monkeypatch.setattr(steps, "_observer", noting)
    yield
    assert names <= noting.killed, f"it did not kill at {sorted(names - noting.killed)}"
