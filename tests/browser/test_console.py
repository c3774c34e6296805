"""The page fixture sees what it is there for: console errors and violations of the content security policy."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_login_page_is_clean(page, console_errors: list[str]) -> None:
    page.goto("/accounts/login/")
    assert page.locator("form").count() >= 1
    assert console_errors == []


def test_an_error_on_the_console_is_noticed(page, console_errors: list[str], tolerated_console: list[str]) -> None:
    tolerated_console.append("seen on purpose")
    page.goto("/accounts/login/")
    page.evaluate("console.error('seen on purpose')")
    assert len(console_errors) == 1


def test_a_violation_of_the_policy_is_noticed(page, console_errors: list[str], tolerated_console: list[str]) -> None:
    tolerated_console += ["CSP violation: ", "Content Security Policy"]
    page.goto("/accounts/login/")
    page.evaluate(
        """() => { const script = document.createElement('script');
                   script.textContent = 'window.injected = true'; document.head.append(script) }"""
    )
    assert page.evaluate("window.injected === undefined")
    assert any("CSP violation: script-src-elem" in text for text in console_errors)
