"""A session that no contract pays for counts under the operator that its site tells, or under every one (I2)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.models import Contract, ContractKind, ContractState, Operator
from evbilling.workspace.queries.month import operator_sessions
from invoicing.queries.completeness import completeness
from invoicing.queries.month_close import sessions_until
from sessions import queries
from tests.factories import make_contract_in_force, make_operator, make_party, make_site
from tests.invoicing.month import OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
COUNTS: dict[str, Callable[[Operator], int]] = {
    "completeness": lambda operator: completeness(operator, OCTOBER).sessions_in,
    "sessions": lambda operator: queries.completeness(operator, OCTOBER).sessions_in.sessions,
    "month close": lambda operator: sessions_until(operator, OCTOBER, {operator.zone}).count(),
    "dashboard": lambda operator: operator_sessions(operator, only_one=False).count(),
}


@pytest.fixture
def month() -> Month:
    """Two sessions of alpha and of beta each; two of an unknown token, the even one at the host's site."""
    made = make_month(sessions=2)
    record([replace(made.charge("alpha", number), token_ref="UNKNOWN") for number in (2, 3)])
    return made


@pytest.mark.parametrize("name", COUNTS)
def test_given_two_operators_when_counted_then_the_site_of_a_host_says_whose_a_session_is(
    name: str, month: Month
) -> None:
    # Given an operator with a host at another site, and one that has nothing
    other, third = make_operator(), make_operator()
    make_contract_in_force(ContractKind.HOSTING, other, make_party("property_owner"), [make_site()], percent=10)

    # When counted, then the session at the host's site is under its operator alone, that of elsewhere under all
    assert [COUNTS[name](each) for each in (month.operator, other, third)] == [6, 1, 1]


@pytest.mark.parametrize("name", COUNTS)
def test_given_two_operators_with_hosts_at_a_site_when_counted_then_it_is_under_both(name: str, month: Month) -> None:
    other = make_operator()
    make_contract_in_force(ContractKind.HOSTING, other, make_party("property_owner"), [month.site], percent=10)
    assert [COUNTS[name](each) for each in (month.operator, other)] == [6, 2]


@pytest.mark.parametrize("name", COUNTS)
def test_given_a_hosting_contract_that_was_never_in_force_when_counted_then_it_tells_nothing(
    name: str, month: Month
) -> None:
    Contract.objects.filter(kind=ContractKind.HOSTING).update(state=ContractState.DRAFT)
    assert [COUNTS[name](each) for each in (month.operator, make_operator())] == [6, 2]
