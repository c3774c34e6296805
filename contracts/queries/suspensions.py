"""When contracts were suspended, as far as sessions that started meanwhile wait for a person."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable

from contracts.models import ContractSuspension, SuspensionRule

type Span = tuple[dt.datetime, dt.datetime | None]


def holding_suspensions(contract_ids: Iterable[int]) -> dict[int, list[Span]]:
    """Contract id -> spans [started, resumed) whose rule holds sessions; no end while one lasts. One query."""
    found: dict[int, list[Span]] = defaultdict(list)
    rows = ContractSuspension.objects.filter(contract__in=set(contract_ids), rule=SuspensionRule.HOLD)
    for contract_id, start, end in rows.order_by("started_at").values_list("contract_id", "started_at", "ended_at"):
        found[contract_id].append((start, end))
    return dict(found)


def within(spans: Iterable[Span], at: dt.datetime) -> bool:
    """Whether an instant lies in a span: its first instant does, the one of resuming does not."""
    return any(start <= at and (end is None or at < end) for start, end in spans)
