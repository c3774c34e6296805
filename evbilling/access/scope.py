"""Row scope: which rows a signed-in user may see (I20).

Each app registers the scope of its own models in its `AppConfig.ready`:

    register_scope(Invoice, lambda user: Q(contract__in=contracts_of(user)))

and every face reads through `visible(Invoice.objects.all(), request.user)`. A scope compares foreign keys or uses a
subquery (`__in`), never a join to many rows, so that no row appears twice.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, Q, QuerySet

from evbilling.access.models import User

Scope = Callable[[User], Q]
_scopes: dict[type[Model], Scope] = {}


class ScopeNotRegistered(ImproperlyConfigured):
    """A model is shown to someone outside the staff although no app said which of its rows are theirs."""


def register_scope(model: type[Model], scope: Scope) -> None:
    """Say which rows of `model` a user outside the staff may see; a model has one scope.

    Raises ImproperlyConfigured when the model already has another one.
    """
    if _scopes.get(model, scope) is not scope:
        raise ImproperlyConfigured(f"{model._meta.label} already has a row scope; keep one.")
    _scopes[model] = scope


def scope_of(model: type[Model]) -> Scope:
    """The registered scope of a model. Raises ScopeNotRegistered: fail closed rather than show everything."""
    scope = _scopes.get(model._meta.concrete_model or model)
    if scope is None:
        raise ScopeNotRegistered(
            f"{model._meta.label} has no row scope; call register_scope({model.__name__}, ...) in its app's ready()."
        )
    return scope


def visible[M: Model](queryset: QuerySet[M], user: Any) -> QuerySet[M]:
    """The rows of `queryset` that `user` may see.

    Staff see all with the model's view permission and none without it; anonymous and inactive users see none; everyone
    else sees the rows of the registered scope. Raises ScopeNotRegistered for a model without one.
    """
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return queryset.none()
    if user.is_staff:
        meta = queryset.model._meta
        return queryset.all() if user.has_perm(f"{meta.app_label}.view_{meta.model_name}") else queryset.none()
    return queryset.filter(scope_of(queryset.model)(user))
