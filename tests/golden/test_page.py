"""docs/pricing.md shows the worked examples as the files have them."""

from tests.golden.contracts import GOLDEN
from tests.golden.page import PAGE, examples, with_examples


def test_the_page_on_pricing_shows_the_worked_examples_of_the_files() -> None:
    page = PAGE.read_text()

    assert with_examples(page) == page, "run: python -m tests.golden.page"
    assert all(step in page for golden in GOLDEN for _place, steps in golden.steps() for step in steps)


def test_there_are_a_dozen_worked_contracts_and_more() -> None:
    assert len(GOLDEN) > 12
    assert examples().count("\n### ") == len(GOLDEN)
