"""What each penalty amounts to and why (DOMAIN, Penalties): one pure function a kind, which returns a `Fee`.

A fee of zero is no penalty. Its because holds all that went in and the arithmetic, as JSON data; `penalty_sentence`
says it in one sentence. Without the input (end of charging, outages, reference rate) there is no fee.
"""

from invoicing.rules.penalties.ending import Ending, early_termination, failed_payment
from invoicing.rules.penalties.fee import Fee
from invoicing.rules.penalties.late import (
    EU_FLAT_AMOUNTS,
    EU_POINTS,
    Debt,
    MissingReferenceRate,
    Segment,
    accrue,
    accrued,
    late_fee,
    late_interest,
    yearly_rates,
)
from invoicing.rules.penalties.parking import Stay, end_of_charging, no_show, overstays
from invoicing.rules.penalties.sentence import penalty_sentence
from invoicing.rules.penalties.uptime import StationTime, Unit, missed_uptime

__all__ = [
    "EU_FLAT_AMOUNTS",
    "EU_POINTS",
    "Debt",
    "Ending",
    "Fee",
    "MissingReferenceRate",
    "Segment",
    "StationTime",
    "Stay",
    "Unit",
    "accrue",
    "accrued",
    "early_termination",
    "end_of_charging",
    "failed_payment",
    "late_fee",
    "late_interest",
    "missed_uptime",
    "no_show",
    "overstays",
    "penalty_sentence",
    "yearly_rates",
]
