"""A badge says its text, whatever colours it was given."""

from evbilling.shell.admin import badge


def test_given_a_state_without_a_colour_then_the_badge_says_its_text_not_its_code():
    shown = badge("run", "completeness report", {"statement": "info"})
    assert "Completeness report" in shown
    assert ">run<" not in "".join(shown.split())
