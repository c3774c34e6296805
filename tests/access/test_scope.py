"""Row scope: fails closed for whoever is not known (I20)."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Q

from evbilling.access import scope
from evbilling.access.models import PasswordHistory, User
from evbilling.access.roles import Role
from evbilling.access.scope import ScopeNotRegistered, register_scope, visible
from tests.access.people import customer, staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scope, "_scopes", {})


def test_given_a_registered_scope_when_a_customer_looks_then_only_the_own_rows_are_there() -> None:
    register_scope(User, lambda user: Q(pk=user.pk))
    one, other = customer("one@c.example"), customer("other@c.example")
    assert list(visible(User.objects.all(), one)) == [one]
    assert list(visible(User.objects.filter(pk=other.pk), one)) == []


def test_given_no_scope_when_a_customer_looks_then_it_fails_rather_than_shows() -> None:
    with pytest.raises(ScopeNotRegistered, match=r"access\.PasswordHistory"):
        visible(PasswordHistory.objects.all(), customer())


@pytest.mark.parametrize("known", [True, False])
def test_anonymous_visitors_see_nothing(known: bool) -> None:
    if known:
        register_scope(User, lambda user: Q())
    customer()
    assert list(visible(User.objects.all(), AnonymousUser())) == []


def test_inactive_users_see_nothing() -> None:
    register_scope(User, lambda user: Q())
    user = customer()
    user.is_active = False
    assert list(visible(User.objects.all(), user)) == []


def test_staff_with_the_view_permission_see_all_and_without_it_none() -> None:
    auditor, clerk = staff("auditor@o.example", Role.AUDITOR), staff("clerk@o.example", Role.BILLING_CLERK)
    assert set(visible(User.objects.all(), auditor)) == {auditor, clerk}
    assert list(visible(User.objects.all(), clerk)) == []


def test_given_a_scope_when_another_is_registered_then_it_is_refused() -> None:
    register_scope(User, lambda user: Q(pk=user.pk))
    with pytest.raises(ImproperlyConfigured, match="keep one"):
        register_scope(User, lambda user: Q())
