"""What a contract adds to its tariff, one frozen dataclass a kind: read strictly from figures, said in a sentence.

Figures are JSON: amounts, prices and quantities as decimal strings in the contract's currency, percent from 0 to 100.
The order in which terms act on a month (docs/pricing.md): the tariff with its price limits, caps in a window (these two
make the session charge), then on the document included energy, graduated or volume discount, base fees, shortfall of
the minimum commitment, penalties, uptime credit.
"""

from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from contracts.rules.terms.monthly import (
    BaseFee,
    GraduatedDiscount,
    IncludedEnergy,
    MinimumCommitment,
    Tier,
    VolumeDiscount,
)
from contracts.rules.terms.penalties import (
    EarlyTermination,
    FailedPayment,
    LatePayment,
    NoShow,
    Overstay,
    UptimePromise,
)
from contracts.rules.terms.reading import WEEKDAYS, Figures, label
from contracts.rules.terms.session import DIMENSIONS, WindowCap
from evbilling.kernel.errors import BadInput

type Term = (
    WindowCap
    | BaseFee
    | IncludedEnergy
    | GraduatedDiscount
    | VolumeDiscount
    | MinimumCommitment
    | Overstay
    | NoShow
    | LatePayment
    | FailedPayment
    | EarlyTermination
    | UptimePromise
)

_READERS: dict[str, Callable[[Figures], Term]] = {
    "window_cap": WindowCap.read,
    "included_energy": IncludedEnergy.read,
    "graduated_discount": GraduatedDiscount.read,
    "volume_discount": VolumeDiscount.read,
    "base_fee": BaseFee.read,
    "minimum_commitment": MinimumCommitment.read,
    "overstay": Overstay.read,
    "no_show": NoShow.read,
    "late_payment": LatePayment.read,
    "failed_payment": FailedPayment.read,
    "early_termination": EarlyTermination.read,
    "uptime_promise": UptimePromise.read,
}
ORDER = tuple(_READERS)
"""The kinds in the order in which they act and are listed."""
REPEATABLE = frozenset({"window_cap", "base_fee"})
"""Kinds that a version may have more than once; of the others it has one."""
_BILLED = frozenset({"charging", "sponsorship"})
_FITTING = {
    "window_cap": frozenset({"charging", "roaming"}),
    "base_fee": _BILLED,
    "late_payment": _BILLED,
    "failed_payment": _BILLED,
    "early_termination": _BILLED,
}

__all__ = [
    "DIMENSIONS",
    "ORDER",
    "REPEATABLE",
    "WEEKDAYS",
    "BaseFee",
    "EarlyTermination",
    "FailedPayment",
    "GraduatedDiscount",
    "IncludedEnergy",
    "LatePayment",
    "MinimumCommitment",
    "NoShow",
    "Overstay",
    "Term",
    "Tier",
    "UptimePromise",
    "VolumeDiscount",
    "WindowCap",
    "clash",
    "describe",
    "fits",
    "label",
    "parse",
]


def parse(kind: str, figures: object) -> Term:
    """The term that these figures say. Raises BadInput naming the figure, its value and what to do."""
    reader = _READERS.get(kind)
    if reader is None:
        raise BadInput(_("kind"), kind, _("Choose one of: %s.") % ", ".join(ORDER))
    read = Figures(figures)
    term = reader(read)
    read.done()
    return term


def describe(term: Term, currency: str) -> str:
    """The term in one plain sentence, in the active language."""
    return term.describe(currency)


def fits(kind: str, contract_kind: str) -> bool:
    """Whether contracts of this kind may have such a term; what is about sessions of customers fits charging alone."""
    return contract_kind in _FITTING.get(kind, frozenset({"charging"}))


def clash(kind: str, others: Iterable[str]) -> str:
    """The kind among `others`, the version's other terms, that one of `kind` cannot stand beside; empty for none.

    A kind that is not repeatable stands once; of graduated and volume discount a version has one.
    """
    discounts = {"graduated_discount", "volume_discount"}
    barred = discounts if kind in discounts else set() if kind in REPEATABLE else {kind}
    return next((other for other in others if other in barred), "")
