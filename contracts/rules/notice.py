"""When a contract can end: notice runs from the day on which it is given, and the minimum term must be over."""

import datetime as dt


def earliest_end(given_on: dt.date, notice_days: int, minimum_term_until: dt.date | None) -> dt.date:
    """The first local day without the contract. Notice given today with no notice period ends it today.

    `minimum_term_until` is itself the first day on which it may end.
    """
    after_notice = given_on + dt.timedelta(days=notice_days)
    return max(after_notice, minimum_term_until) if minimum_term_until is not None else after_notice
