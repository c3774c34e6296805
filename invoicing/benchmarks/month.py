"""`manage.py bench month`: a whole month close, from unrated sessions to issued, booked, audited invoices.

The product's own path: a billing run is started, worker processes claim its contracts in chunks as Celery's workers do,
the run is finished, the audit trail is sealed and the books are checked, which all counts. Only the queue's transport
is left out. All happens in a database that is made for the benchmark and dropped at its end.
"""

import argparse
import gc
import multiprocessing
import resource
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import batched
from pathlib import Path
from typing import Any

from django.db import connection, connections

from evbilling.kernel import audit, outbox
from evbilling.kernel.benchmarks import Figure, Measured, Reading, large_benchmark
from evbilling.kernel.books import check_books
from evbilling.kernel.errors import BadInput, BillingError
from evbilling.kernel.memory import collect_rarely
from evbilling.kernel.outbox import OutboxMessage
from invoicing.benchmarks.database import fresh_database, migrate, server
from invoicing.benchmarks.seed import CLOSED_AT, MONTH, Seeded, seed_month
from invoicing.models import Document, Invoice, InvoiceState
from invoicing.operations import runs
from invoicing.operations.issuing import RENDER
from sessions.models import SessionCharge

MILLION = 1_000_000
SECONDS_FOR_A_MILLION, AIM_SECONDS = 300, 60
"""From unrated sessions to checked books."""
MOST_MEGABYTES = Decimal(250)
MOST_GROWTH = Decimal("1.3")
"""The cost of a session in the largest month against the smallest."""
SMALLEST_COMPARED = 10_000
"""Sessions. In smaller months what is done once counts more than the sessions."""
DRAWN = frozenset({"I8", "I16"})
"""What the books prove of drawn documents: their bytes, and that they are delivered."""
CHUNK = 50
"""Contracts a task, documents a task: as invoicing.tasks has it."""


class BenchmarkFailed(BillingError):
    """The month was not closed cleanly, so its time means nothing."""

    code = "benchmark_failed"


@dataclass(frozen=True, slots=True)
class Spent:
    """What worker processes used: processor seconds of theirs and of their database sessions, the largest memory."""

    seconds: Decimal = Decimal(0)
    database_seconds: Decimal = Decimal(0)
    megabytes: Decimal = Decimal(0)

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.seconds + other.seconds,
            self.database_seconds + other.database_seconds,
            max(self.megabytes, other.megabytes),
        )


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=int, nargs="+", default=[10_000], help="how many; several sizes compare")
    parser.add_argument("--contracts", type=int, nargs="+", help="how many, for each size (default: sessions / 100)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default 2)")
    parser.add_argument("--documents", action="store_true", help="draw and archive the documents too")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite, for small sizes")


@large_benchmark(
    "month",
    "a whole month close, from unrated sessions to issued and booked invoices, in a database of its own",
    "a second of wall-clock time, with all worker processes",
    _arguments,
)
def measure_month(options: Mapping[str, Any], say: Callable[[str], None]) -> Measured:
    """Sessions a second for each size, the parts of it, and the growth of the cost from the smallest to the largest."""
    sizes = _sizes(options)
    costs: list[tuple[int, Decimal]] = []
    with server(sqlite=options["sqlite"], say=say) as place:
        for sessions, contracts in sizes:
            with fresh_database(place):
                migrate()
                started = time.perf_counter()
                seeded = seed_month(sessions=sessions, contracts=contracts)
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute("ANALYZE")
                say(f"{sessions:,} sessions of {contracts:,} contracts stand after {_since(started)} s")
                found = list(_close(seeded, options["workers"], documents=options["documents"], say=say))
            yield from found
            cost = sum((each.value for each in found if isinstance(each, Reading) and each.what in _COST), _ZERO)
            yield Reading(_case(seeded), "processor time a session", _rounded(float(cost * 1000 / sessions)), "ms")
            if sessions >= SMALLEST_COMPARED:
                costs.append((sessions, cost / sessions))
    if len(costs) > 1:
        (_few, small), (_many, large) = min(costs), max(costs)
        growth = (large / small).quantize(Decimal("0.01"))
        yield Reading("all sizes", "processor time a session, largest to smallest", growth, "times", MOST_GROWTH)


_ZERO = Decimal(0)
_WORKERS, _SESSIONS = "processor time of the workers", "processor time of their database sessions"
_COST = frozenset({_WORKERS, _SESSIONS})


def _case(seeded: Seeded) -> str:
    return f"{seeded.sessions:,} sessions, {seeded.contracts:,} contracts"


def _sizes(options: Mapping[str, Any]) -> list[tuple[int, int]]:
    sessions: list[int] = options["sessions"]
    contracts: list[int] = options["contracts"] or [max(1, each // 100) for each in sessions]
    if len(contracts) != len(sessions):
        raise BadInput("--contracts", contracts, "Give as many as --sessions, or leave it out.")
    for many, few in zip(sessions, contracts, strict=True):
        if not 0 < few <= many:
            raise BadInput("--contracts", few, f"Give 1 to {many}, the number of sessions.")
    if not 1 <= options["workers"] <= 64:
        raise BadInput("--workers", options["workers"], "Give 1 to 64.")
    return list(zip(sessions, contracts, strict=True))


def _close(seeded: Seeded, workers: int, *, documents: bool, say: Callable[[str], None]) -> Iterator[Figure | Reading]:
    """Close the seeded month and give its figures. Raises BenchmarkFailed unless all is billed and the books clean."""
    case = _case(seeded)
    started = time.perf_counter()
    run = runs.start_run(
        operator_id=seeded.operator_id,
        period=MONTH,
        issued_on=CLOSED_AT.date(),
        issue=True,
        by=None,
        at=CLOSED_AT,
    )
    begun = _since(started)
    spent = Spent()
    while item_ids := runs.next_items(run_id=run.pk):
        spent += _shared_out(_bill, [(run.pk, list(chunk)) for chunk in batched(item_ids, CHUNK)], workers)
    if not runs.finish_run(run_id=run.pk, at=CLOSED_AT):
        raise BenchmarkFailed("The run is not finished although no contract is left.")
    taken = time.perf_counter() - started
    issued = Invoice.objects.filter(state=InvoiceState.ISSUED).count()
    say(f"{issued:,} invoices after {_since(started)} s")
    floor = MILLION // SECONDS_FOR_A_MILLION
    aim = MILLION // AIM_SECONDS
    yield Figure(case, "sessions: rate, draft, issue, book", int(seeded.sessions / taken), floor, aim)
    yield Figure(case, "invoices", int(issued / taken))
    yield Reading(case, "wall clock", _rounded(taken), "s")
    yield Reading(case, "start of the run", begun, "s")
    yield Reading(case, _WORKERS, spent.seconds, "s")
    yield Reading(case, _SESSIONS, spent.database_seconds, "s")
    yield Reading(case, "memory of a worker", spent.megabytes, "MB", MOST_MEGABYTES)
    checked = yield from _check(case, issued, seeded, say)
    limits = (Decimal(SECONDS_FOR_A_MILLION), None, Decimal(AIM_SECONDS)) if seeded.sessions == MILLION else ()
    yield Reading(case, "total: close, audit sealed, books checked", _rounded(taken) + checked, "s", *limits)
    if documents:
        yield from _draw(case, workers, say)


def _draw(case: str, workers: int, say: Callable[[str], None]) -> Iterator[Figure | Reading]:
    steps = list(OutboxMessage.objects.filter(kind=RENDER).order_by("pk").values_list("pk", flat=True))
    started = time.perf_counter()
    spent = _shared_out(_render, [list(chunk) for chunk in batched(steps, CHUNK)], workers)
    taken = time.perf_counter() - started
    drawn = Document.objects.values("invoice").distinct().count()
    if drawn != len(steps):
        raise BenchmarkFailed(f"{drawn} of {len(steps)} documents were drawn.")
    yield Figure(case, "documents: draw, archive", int(drawn / taken))
    yield Reading(case, "wall clock of drawing", _rounded(taken), "s")
    yield Reading(case, "processor seconds for drawing", spent.seconds, "s")
    yield Reading(case, "memory of a worker that draws", spent.megabytes, "MB", MOST_MEGABYTES)
    _require_clean(DRAWN, say)


def _check(case: str, issued: int, seeded: Seeded, say: Callable[[str], None]) -> Generator[Reading, None, Decimal]:
    """Seal and prove; the seconds that both took."""
    if SessionCharge.objects.filter(billed__isnull=True).exists() or issued < seeded.contracts:
        raise BenchmarkFailed(f"{issued} invoices for {seeded.contracts} contracts, or charges that no document bills.")
    started = time.perf_counter()
    while audit.seal_audit() == 5000:
        pass
    sealed = _since(started)
    yield Reading(case, "sealing of the audit trail", sealed, "s")
    started = time.perf_counter()
    _require_clean(frozenset(), say)
    proved = _since(started)
    yield Reading(case, "check of the books", proved, "s")
    return sealed + proved


def _require_clean(invariants: frozenset[str], say: Callable[[str], None]) -> None:
    for result in check_books(invariants):
        if result.findings:
            raise BenchmarkFailed(f"{result.check.invariant}: {result.findings[0].problem}")
        if result.seconds > 5:
            say(f"{result.check.invariant} {result.check.title}: {result.seconds:.1f} s")


def _bill(task: tuple[int, list[int]]) -> None:
    run_id, item_ids = task
    runs.process_items(run_id=run_id, item_ids=item_ids, at=CLOSED_AT)


def _render(message_ids: list[int]) -> None:
    for message_id in message_ids:
        outbox.run(message_id=message_id, at=CLOSED_AT)


def _shared_out[T](work: Callable[[T], None], tasks: Sequence[T], workers: int) -> Spent:
    """Do the tasks in worker processes that take the next one as they get free, as Celery's do; what they used."""
    connections.close_all()
    gc.collect()
    fork = multiprocessing.get_context("fork")
    results: Any = fork.SimpleQueue()
    next_task = fork.Value("i", 0)
    processes = [fork.Process(target=_worker, args=(work, tasks, next_task, results)) for _n in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise BenchmarkFailed("A worker process ended in the middle; its message stands above.")
    total = Spent()
    for _process in processes:
        total += results.get()
    return total


def _worker[T](work: Callable[[T], None], tasks: Sequence[T], next_task: Any, results: Any) -> None:
    collect_rarely()
    with outbox.run_here():
        while True:
            with next_task.get_lock():
                place, next_task.value = next_task.value, next_task.value + 1
            if place >= len(tasks):
                break
            work(tasks[place])
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = Spent(_rounded(time.process_time()), _database_seconds(), _rounded(used.ru_maxrss / 1024))
    results.put(replace(spent, megabytes=spent.megabytes.quantize(Decimal(1))))
    connections.close_all()


def _database_seconds() -> Decimal:
    """Processor time of this process' session of PostgreSQL, where that runs on the same machine; else nothing."""
    if connection.vendor != "postgresql":
        return _ZERO
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    with suppress(OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return _rounded((int(fields[11]) + int(fields[12])) / 100)
    return _ZERO


def _since(started: float) -> Decimal:
    return _rounded(time.perf_counter() - started)


def _rounded(seconds: float) -> Decimal:
    return Decimal(str(round(seconds, 2)))
