"""How fast invoices become PDF: `manage.py bench documents`, beside the plain template in the same run (PERFORMANCE).

The plain template (`plain_invoice`, frozen) is what one would write without a thought for speed: one automatic table,
a flexible head, everything built anew. Ours is the document as it is archived: page one with lines, totals and
payment, the annex with every session, tagged PDF/A-3a. Both are measured in processor time of this process.
"""

import argparse
import datetime as dt
import gc
import resource
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from evbilling.kernel.benchmarks import Measured, Reading, large_benchmark
from evbilling.kernel.errors import BadInput
from evbilling.kernel.money import add, vat_of
from evbilling.shell.paper.letterhead import BankAccount, Letterhead, PartyBlock
from invoicing.benchmarks import plain_invoice
from invoicing.documents.view import (
    AnnexSection,
    DocumentView,
    Kind,
    Line,
    LineGroup,
    PaymentBlock,
    PaymentMethod,
    References,
    SessionRow,
    TaxRow,
)

SIZES = (10, 200, 2_000)
LEAST = {10: Decimal("2.5"), 200: Decimal(8), 2_000: Decimal(9)}
AIM = {10: Decimal(4), 200: Decimal(20), 2_000: Decimal(100)}
MOST_MEGABYTES = Decimal(250)
"""What a worker that draws 2,000 sessions may take."""
_MOST_VEHICLES = 12
"""Page one sums the sessions by vehicle, of which each charged at least three times; the annex lists every session."""
_ONCE = 2_000
"""From so many lines on the plain template is measured once: it takes most of a minute."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=5, help="runs a figure; the median counts (default 5)")
    parser.add_argument(
        "--lines", type=int, nargs="+", default=list(SIZES), help="sessions of the invoices (default 10 200 2000)"
    )


@large_benchmark("documents", "invoices as PDF, beside a plain template", "documents", _arguments)
def measure_documents(options: Mapping[str, Any], say: Callable[[str], None]) -> Measured:
    """Milliseconds of each, their ratio, and the megabytes that our process took before the plain template ran."""
    from invoicing.documents.pdf import render_pdf  # noqa: PLC0415 - loads WeasyPrint

    runs, sizes = options["runs"], sorted(set(options["lines"]))
    if not 1 <= runs <= 100:
        raise BadInput("--runs", runs, "Give 1 to 100.")
    if sizes[0] < 1 or sizes[-1] > 20_000:
        raise BadInput("--lines", f"{sizes[0]} to {sizes[-1]}", "Give 1 to 20,000.")
    ours: dict[int, Decimal] = {}
    for size in sizes:
        ours[size] = _milliseconds(partial(render_pdf, sample_invoice(size)), runs)
    memory = _megabytes()
    say("The plain template follows; it takes its time.")
    for size in sizes:
        plain = _milliseconds(partial(_plain, size), runs if size < _ONCE else 1, warm=size < _ONCE)
        case = f"{size:,} lines"
        yield Reading(case, "plain template", plain, "ms")
        yield Reading(case, "invoice with annex", ours[size], "ms")
        times = (plain / ours[size]).quantize(Decimal("0.1"))
        yield Reading(case, "times as fast", times, "", least=LEAST.get(size), aim=AIM.get(size))
    yield Reading(f"up to {sizes[-1]:,} lines", "peak memory", memory, "MB", most=MOST_MEGABYTES)


def sample_invoice(sessions: int) -> DocumentView:
    """An invoice of a fleet: lines by vehicle on page one, every session in the annex, payable by transfer."""
    rows = tuple(_session(number) for number in range(sessions))
    vehicles = max(1, min(_MOST_VEHICLES, sessions // 3))
    groups = [rows[number::vehicles] for number in range(vehicles)]
    lines = tuple(
        Line(
            label=f"B-VL {1000 + number}",
            net_amount=add(row.amount for row in found),
            text="Depot Nord, Depot West",
            sessions=len(found),
            energy_wh=sum(row.energy_wh for row in found),
        )
        for number, found in enumerate(groups)
    )
    net = add(line.net_amount for line in lines)
    tax = vat_of(net, Decimal(19), "EUR")
    issuer = PartyBlock(
        "Voltline Ladenetz GmbH",
        ("Torstr. 1", "10119 Berlin"),
        (("VAT ID", "DE123456789"),),
        registration="HRB 123456 B, Amtsgericht Charlottenburg",
        contact_name="Anna Krüger",
        email="billing@voltline.example",
        phone="+49 30 5550 142",
    )
    bank = BankAccount(issuer.legal_name, "Musterbank", "DE02120300000000202051", "BYLADEM1001")
    number = "VLT-2026-10-004711"
    return DocumentView(
        kind=Kind.INVOICE,
        number=number,
        issued_on=dt.date(2026, 11, 1),
        language="en",
        currency="EUR",
        issuer=issuer,
        recipient=PartyBlock("Bien KG", ("Musterweg 4", "20095 Hamburg"), (("VAT ID", "DE987654321"),)),
        letterhead=Letterhead("Voltline"),
        groups=(LineGroup(lines, net),),
        tax_rows=(TaxRow("VAT 19 %", net, tax, net + tax),),
        net_amount=net,
        tax_amount=tax,
        total_amount=net + tax,
        amount_due=net + tax,
        due_on=dt.date(2026, 11, 15),
        supply_from=dt.date(2026, 10, 1),
        supply_to=dt.date(2026, 10, 31),
        references=References("C-20817", "CT-2026-88", "PO-4711"),
        payment=PaymentBlock(PaymentMethod.TRANSFER, number, f"Please give the reference {number}.", bank),
        annex=(AnnexSection(rows, net),),
    )


def _session(number: int) -> SessionRow:
    """A session as the plain template has it: the same energies and amounts."""
    energy_wh = 8_000 + number * 7_919 % 5_200 * 10
    idle = Decimal(number % 7) / 2
    price = (Decimal(energy_wh) / 1000 * Decimal("0.429")).quantize(Decimal("0.01"))
    start = dt.datetime(2026, 10, number % 28 + 1, number * 37 % 24, number * 13 % 60, tzinfo=ZoneInfo("Europe/Berlin"))
    because = f"Energy {energy_wh // 1000}.{energy_wh % 1000:03d} kWh at €0.429/kWh"
    return SessionRow(
        session_ref=f"CDR-2026-{880_000 + number}",
        started_at=start,
        site=f"Depot {('Nord', 'Süd', 'West', 'Mitte')[number % 4]}",
        station=f"Point {number % 40 + 1}",
        vehicle=f"B-VL {1000 + number % _MOST_VEHICLES}",
        energy_wh=energy_wh,
        duration_s=60 * (20 + number * 11 % 160),
        amount=price + idle.quantize(Decimal("0.01")),
        idle_s=300 * (number % 7),
        driver=("A. Meyer", "", "K. Öz")[number % 3],
        because=because + (f"; idle time {number % 7 * 5} min, €{idle:.2f}" if idle else ""),
    )


def _plain(lines: int) -> bytes:
    from weasyprint import HTML  # noqa: PLC0415 - loads slowly

    content: bytes = HTML(string=plain_invoice.html(lines)).write_pdf()
    return content


def _milliseconds(work: Callable[[], object], runs: int, *, warm: bool = True) -> Decimal:
    """Processor time of one call, the median; what is built on first use is not part of it."""
    if warm:
        work()
    times = []
    for _run in range(runs):
        gc.collect()
        before = time.process_time_ns()
        work()
        times.append(time.process_time_ns() - before)
    return (Decimal(median(times)) / 1_000_000).quantize(Decimal("0.1"))


def _megabytes() -> Decimal:
    """The most memory that this process has had (kilobytes on Linux, bytes on macOS)."""
    peak = Decimal(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return (peak / (1024**2 if sys.platform == "darwin" else 1024)).quantize(Decimal(1))
