"""Takes the pictures of README.md and docs/ from the demo: `python -m tests.browser.pictures [FOLDER]`.

Builds the sample operator in DATA_DIR (a folder of its own, not the developer's), or uses the one that stands there,
serves it on a free port, signs in as the people of evbilling.demo.people and photographs what they see. Ends with exit
code 1 when a page is not there, prints an error in the console, or is wider than its screen.
"""

import datetime as dt
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 2_000_000
WORKSPACE, PORTAL, PHONE = (1440, 900), (1200, 860), (390, 844)
PDF_DPI = 88


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: who looks at which page on which screen. `whole`: the page to its end, not the screen alone."""

    name: str
    email: str
    path: str
    screen: tuple[int, int] = WORKSPACE
    whole: bool = False


def shots_of(demo: dict[str, Any]) -> list[Shot]:
    """The pages worth a picture; `demo` says where the sample's rows are."""
    clerk, fleet, month = "billing@peachtree-charging.example", demo["fleet"], demo["month"]
    return [
        Shot("dashboard", clerk, f"/admin/?month={month}"),
        Shot("month-close", clerk, f"{demo['month_close']}?period={demo['open_month']}", whole=True),
        Shot("invoice", clerk, f"/admin/invoicing/invoice/{demo['invoice']}/change/"),
        Shot("session", clerk, f"/admin/charging/chargingsession/{demo['session']}/change/", whole=True),
        Shot("portal", fleet, f"/?month={month}", PORTAL),
        Shot("portal-phone", fleet, f"/?month={month}", PHONE),
    ]


def look_up() -> dict[str, Any]:
    """Where the rows to be shown are, and one invoice. Before the browser starts: its loop bars the database."""
    from django.db.models import Max  # noqa: PLC0415 - after django.setup()
    from django.urls import reverse  # noqa: PLC0415

    from evbilling.demo import people  # noqa: PLC0415
    from evbilling.demo.company import FLEETS  # noqa: PLC0415
    from invoicing.models import Document, DocumentKind, Invoice, InvoiceState  # noqa: PLC0415
    from sessions.models import SessionCharge  # noqa: PLC0415

    last = Invoice.objects.filter(state=InvoiceState.ISSUED).aggregate(last=Max("period_from"))["last"]
    invoice = Invoice.objects.get(
        party__legal_name=FLEETS[0].company.name, state=InvoiceState.ISSUED, period_from=last, kind="invoice"
    )
    sponsored = SessionCharge.objects.filter(billed__line__invoice__period_from=last, role="sponsor")
    dear = (
        charge for charge in sponsored.select_related("price").order_by("-net_amount") if len(charge.price.lines) > 1
    )
    return {
        "fleet": next(person.email for person in people.CUSTOMERS if person.company == FLEETS[0].company.name),
        "month": f"{last:%Y-%m}",
        "open_month": f"{Invoice.objects.filter(state=InvoiceState.DRAFT).latest('period_from').period_from:%Y-%m}",
        "invoice": invoice.pk,
        "pdf": bytes(Document.objects.get(invoice=invoice, kind=DocumentKind.PDF).content),
        "session": next(dear).session_id,
        "month_close": reverse("admin:month_close"),
    }


@contextmanager
def served(data_dir: str) -> Iterator[str]:
    """The demo's web server on a free port; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": data_dir, "PUBLIC_URL": address},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _attempt in range(120):
            try:
                urllib.request.urlopen(f"{address}/healthz", timeout=2).close()  # noqa: S310 - our own server
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        else:
            raise SystemExit("The web server did not answer within a minute.")
        yield address
    finally:
        server.terminate()
        server.wait(10)


def sign_in(page: Any, address: str, email: str) -> None:
    """Password, then the code that the person's authenticator app shows now."""
    from evbilling.demo import people  # noqa: PLC0415

    person = next(each for each in people.ALL if each.email == email)
    page.goto(f"{address}/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state("networkidle")
    if "/2fa/" in page.url:
        page.get_by_label("Code").fill(people.code_of(person, dt.datetime.now(dt.UTC)))
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


def take(address: str, shots: list[Shot], folder: Path) -> list[str]:
    """Photograph the pages; what was wrong with them."""
    import shutil  # noqa: PLC0415

    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    from tests.browser.conftest import FLAGS, REPORT_VIOLATIONS  # noqa: PLC0415

    problems: list[str] = []
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for email in dict.fromkeys(shot.email for shot in shots):
            context = browser.new_context(locale="en-GB", reduced_motion="reduce")
            context.add_init_script(REPORT_VIOLATIONS)
            page = context.new_page()
            page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
            sign_in(page, address, email)
            for shot in (each for each in shots if each.email == email):
                page.set_viewport_size({"width": shot.screen[0], "height": shot.screen[1]})
                answer = page.goto(f"{address}{shot.path}")
                page.wait_for_load_state("load")
                page.wait_for_timeout(700)
                if answer is None or not answer.ok:
                    problems.append(f"{shot.name}: {shot.path} answers {answer.status if answer else 'nothing'}")
                    continue
                if page.evaluate("document.documentElement.scrollWidth") > shot.screen[0]:
                    problems.append(f"{shot.name}: {shot.path} is wider than {shot.screen[0]} pixels")
                if shot.whole:  # a taller screen, so that bars fixed to its edges stay there
                    tall = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size({"width": shot.screen[0], "height": max(tall, shot.screen[1])})
                page.screenshot(path=folder / f"{shot.name}.png")
            context.close()
        browser.close()
    return problems


def draw_first_page(pdf: bytes, target: Path) -> None:
    """The first page of a PDF as a picture."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        subprocess.run(
            [
                "pdftoppm",
                "-png",
                "-r",
                str(PDF_DPI),
                "-f",
                "1",
                "-l",
                "1",
                "-singlefile",
                file.name,
                target.with_suffix(""),
            ],
            check=True,
        )


def main(folder: Path) -> int:
    """Build, serve, look, report."""
    data_dir = os.environ.get("DATA_DIR")
    if not data_dir or Path(data_dir).resolve() == ROOT / "var":
        raise SystemExit(
            "Give the pictures a folder of their own: DATA_DIR=/tmp/pictures python -m tests.browser.pictures"
        )
    subprocess.run([sys.executable, "manage.py", "demo", "--no-serve"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evbilling.settings")
    import django  # noqa: PLC0415

    django.setup()
    demo = look_up()
    folder.mkdir(parents=True, exist_ok=True)
    draw_first_page(demo["pdf"], folder / "invoice-pdf.png")
    with served(data_dir) as address:
        problems = take(address, shots_of(demo), folder)
    sizes = {path.name: path.stat().st_size for path in sorted(folder.glob("*.png"))}
    for name, size in sizes.items():
        print(f"{name:<24}{size:>10,}")  # noqa: T201
    if sum(sizes.values()) > MOST_BYTES:
        problems.append(f"The pictures have {sum(sizes.values()):,} bytes; at most {MOST_BYTES:,} are wanted.")
    print(*problems, sep="\n")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(re.sub(r"/$", "", sys.argv[1])) if len(sys.argv) > 1 else PICTURES))
