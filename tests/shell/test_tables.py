"""Tables: order and page from the address, figures formatted and aligned, nothing unescaped."""

from types import SimpleNamespace

import pytest
from django.http import QueryDict
from django.template import Context, Template

from evbilling.access.models import User
from evbilling.shell.tables import Column, Table, follow
from tests.shell.sample import COLUMNS, invoices


def table(query: str = "", count: int = 30, **options) -> Table:
    return Table(invoices(count), COLUMNS, QueryDict(query), caption="Invoices", page_size=10, **options)


def numbers(shown: Table) -> list[int]:
    return [int(row.number[-3:]) for row in shown.page.object_list]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", list(range(30, 20, -1))),
        ("sort=number", list(range(1, 11))),
        ("sort=-total_amount&page=2", list(range(20, 10, -1))),
        ("page=3", list(range(10, 0, -1))),
        ("page=99", list(range(10, 0, -1))),
        ("page=x&sort=state", list(range(30, 20, -1))),
        ("sort=__class__", list(range(30, 20, -1))),
    ],
)
def test_the_address_says_order_and_page_and_nonsense_falls_back(query: str, expected: list[int]) -> None:
    assert numbers(table(query, default_sort="-number")) == expected


def test_a_heading_turns_the_order_round_and_keeps_the_filters() -> None:
    headings = {each.column.key: each for each in table("sort=number&page=2&state=open").headings}
    assert (headings["number"].order, headings["number"].query) == ("ascending", "?state=open&sort=-number")
    assert (headings["total_amount"].order, headings["total_amount"].query) == (
        "none",
        "?state=open&sort=-total_amount",
    )


def test_pages_link_to_each_other_and_drop_the_poll() -> None:
    shown = table("page=2&poll=1&state=open")
    assert (shown.previous_query, shown.next_query) == ("?state=open&page=1", "?state=open&page=3")
    assert table("page=3").next_query is None
    assert table().previous_query is None


def test_cells_are_formatted_and_a_missing_value_is_a_dash() -> None:
    (cells,) = table(count=1).body
    assert [cell.text for cell in cells] == [
        "INV-2026-000001",
        "2 Nov 2026",
        "12.35\N{NO-BREAK SPACE}kWh",
        "€123.45",
        '<span class="badge badge-success">Paid</span>',
    ]
    assert cells[0].href == "/invoices/INV-2026-000001"
    assert Column("gone", "Gone", format="money").text(SimpleNamespace(gone=None)) == "–"


def test_values_follow_dotted_paths_until_nothing_is_there() -> None:
    row = SimpleNamespace(contract=SimpleNamespace(party={"name": "Nord"}), site=None)
    assert follow(row, "contract.party.name") == "Nord"
    assert follow(row, "site.zone") is None


def test_rows_without_a_value_come_last_in_both_directions() -> None:
    rows = [SimpleNamespace(name=name) for name in ("b", None, "a")]
    columns = [Column("name", "Name", sort="name")]
    for query, expected in (("sort=name", ["a", "b", None]), ("sort=-name", ["b", "a", None])):
        assert [row.name for row in Table(rows, columns, QueryDict(query), caption="N").page] == expected


def test_the_html_is_an_accessible_table_and_escapes_its_rows() -> None:
    rows = [SimpleNamespace(name="<script>", total_amount=1, currency="EUR")]
    columns = [Column("name", "Name", sort="name", title=True), Column("total_amount", "Amount", format="money")]
    shown = Table(rows, columns, QueryDict("sort=name"), caption="People")
    html = Template("{% load shell %}{% table table %}").render(Context({"table": shown}))
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert '<caption class="visually-hidden">People</caption>' in html
    assert 'aria-sort="ascending"' in html
    assert 'data-label="Amount" class="num"' in html


def test_no_rows_say_so_in_words() -> None:
    shown = Table([], COLUMNS, QueryDict(), caption="Invoices", empty="No invoice yet.")
    html = Template("{% load shell %}{% table table %}").render(Context({"table": shown}))
    assert "No invoice yet." in html
    assert "<table" not in html


@pytest.mark.django_db
def test_a_queryset_is_ordered_in_the_database_with_the_key_last(django_assert_num_queries) -> None:
    for number in range(3):
        User.objects.create_user(f"{number}@c.example", full_name="Same")
    columns = [Column("full_name", "Name", sort="full_name")]
    with django_assert_num_queries(2):
        shown = Table(User.objects.all(), columns, QueryDict("sort=-full_name"), caption="Users", page_size=2)
        emails = [user.email for user in shown.page.object_list]
    assert emails == ["2@c.example", "1@c.example"]
