"""A browser page that fails its test on any console error, page error or violation of the content security policy."""

import datetime as dt
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.people import CLERK, OTHER_MANAGER, OWN_MANAGER, hire, let_in
from tests.invoicing.month import AT, Month, make_month

# What keeps Chromium, which may run as root in a container, from calling home while it is tested.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
"""Milliseconds that a page may take on a busy machine; what is there earlier is seen earlier."""
expect.set_options(timeout=PATIENCE)
REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', event =>
    console.error(`CSP violation: ${event.violatedDirective} blocked ${event.blockedURI} at ${event.sourceFile}`))
"""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict:
    """The system's Chromium; Playwright's own browser is never downloaded."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.fail("The browser tests need Chromium. Debian: apt-get install chromium")
    return {"executable_path": program, "args": FLAGS}


@pytest.fixture
def tolerated_console() -> list[str]:
    """Regular expressions of console errors that a test expects, for instance the 404 it provokes; append to it."""
    return []


def _watch(page: Page, errors: list[str]) -> None:
    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{page.url}: {message.text}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))


@pytest.fixture
def console_errors(tolerated_console: list[str]) -> Iterator[list[str]]:
    """What any page of the test printed as an error; the test fails if something stays that it did not expect."""
    errors: list[str] = []
    yield errors
    unexpected = [text for text in errors if not any(re.search(pattern, text) for pattern in tolerated_console)]
    assert not unexpected, "The browser's console shows errors:\n" + "\n".join(unexpected)


@pytest.fixture
def new_page(browser: Browser, live_server, console_errors: list[str]) -> Iterator:
    """Open pages in browsers of their own: one for each person in a story; `new_page(width=390)` is a phone."""
    contexts: list[BrowserContext] = []

    def open_page(width: int = 1280, height: int = 900, **options) -> Page:
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": width, "height": height}, locale="en-GB", **options
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(REPORT_VIOLATIONS)
        page = context.new_page()
        _watch(page, console_errors)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page) -> Page:
    """One desktop page on the live server."""
    return new_page()


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.datetime], None]:
    """Let the product's clock go on from an instant; the authenticator apps keep the machine's time."""
    real, began = timezone.now, timezone.now()

    def go_on_from(at: dt.datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: at + (real() - began))

    return go_on_from


@pytest.fixture
def month(set_clock: Callable[[dt.datetime], None], settings: Any) -> Month:
    """October 2026 with eight sessions of two fleets; their managers and the clerk may sign in on 2 November."""
    set_clock(AT)
    settings.MFA_TOTP_TOLERANCE = 1  # a code read in the last second of its half minute still holds when it arrives
    month = make_month()
    hire(CLERK)
    let_in(OWN_MANAGER, month.contracts["alpha"].party)
    let_in(OTHER_MANAGER, month.contracts["beta"].party)
    return month
