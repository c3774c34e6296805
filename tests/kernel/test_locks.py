"""Locks are evaluated, ordered and only taken inside a transaction."""

import pytest
from django.db import transaction

from evbilling.kernel.errors import NotFound
from evbilling.kernel.locks import lock, lock_all
from evbilling.kernel.models import OutboxMessage
from tests.kernel.steps import make_step

pytestmark = pytest.mark.django_db


def test_a_missing_row_is_named() -> None:
    with transaction.atomic(), pytest.raises(NotFound, match="no background step with the id 4711"):
        lock(OutboxMessage, 4711)


def test_rows_come_in_the_order_of_their_keys() -> None:
    first, second = make_step(key="a"), make_step(key="b")
    with transaction.atomic():
        assert lock_all(OutboxMessage, [second.pk, first.pk, second.pk]) == [first, second]


def test_one_missing_row_of_several_is_named() -> None:
    step = make_step(key="a")
    with transaction.atomic(), pytest.raises(NotFound, match=f"id {step.pk + 1}"):
        lock_all(OutboxMessage, [step.pk, step.pk + 1])


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_a_transaction_is_a_programming_error() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        lock(OutboxMessage, 1)
