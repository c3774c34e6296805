"""The five roles of the operator's staff and what each may do.

A role is a Django group. What it may do is a list of patterns over `app_label.codename` ("invoicing.view_*"), matched
against the permissions that exist, so a new model or a custom permission joins by its name alone. Groups are brought
in line after every migrate; permissions added to these groups by hand are removed again.
"""

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

READS = ("kernel.view_*", "contracts.view_*", "charging.view_*", "invoicing.view_*", "payments.view_*")


class Role(StrEnum):
    """The name of a role; the value is the name of its group."""

    CONTRACT_MANAGER = "contract-manager"
    BILLING_CLERK = "billing-clerk"
    PAYMENTS_OFFICER = "payments-officer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"

    @property
    def label(self) -> Promise:
        """The role's name on screen."""
        return _LABELS[self]

    @property
    def description(self) -> Promise:
        """What the role is for, in one sentence."""
        return _DESCRIPTIONS[self]

    @property
    def patterns(self) -> tuple[str, ...]:
        """Patterns of the permissions that the role has."""
        return _PATTERNS[self]

    def allows(self, permission: str) -> bool:
        """Whether the role has the permission `app_label.codename`."""
        return any(fnmatchcase(permission, pattern) for pattern in self.patterns)

    @classmethod
    def choices(cls) -> list[tuple[str, Promise]]:
        """Value and label of each role, for forms and filters."""
        return [(role.value, role.label) for role in cls]


_LABELS: dict[Role, Promise] = {
    Role.CONTRACT_MANAGER: _("Contract manager"),
    Role.BILLING_CLERK: _("Billing clerk"),
    Role.PAYMENTS_OFFICER: _("Payments officer"),
    Role.AUDITOR: _("Auditor"),
    Role.ADMINISTRATOR: _("Administrator"),
}
_DESCRIPTIONS: dict[Role, Promise] = {
    Role.CONTRACT_MANAGER: _("Parties, sites, contracts, tariffs and penalties."),
    Role.BILLING_CLERK: _("Sessions, billing runs, invoices, credit notes, dunning and disputes."),
    Role.PAYMENTS_OFFICER: _("Payments, refunds, mandates, bank statements and matching."),
    Role.AUDITOR: _("Reads everything, the audit trail included, and changes nothing."),
    Role.ADMINISTRATOR: _("Users and roles, settings and every area of the workspace."),
}
# Maker is not checker (I18) is a rule of the operations: a role may hold both permissions, one person never does both.
_PATTERNS: dict[Role, tuple[str, ...]] = {
    Role.CONTRACT_MANAGER: (
        *READS,
        "contracts.*",
        "charging.import_*",
        "invoicing.ask_waiver",
        "invoicing.waive_penalty",
    ),
    Role.BILLING_CLERK: (*READS, "charging.*", "invoicing.*", "kernel.retry_*"),
    Role.PAYMENTS_OFFICER: (
        *READS,
        "payments.*",
        "invoicing.undo_allocation",
        "invoicing.move_deposit",
        "kernel.retry_*",
    ),
    Role.AUDITOR: (*READS, "access.view_*"),
    Role.ADMINISTRATOR: ("kernel.*", "access.*", "contracts.*", "charging.*", "invoicing.*", "payments.*"),
}


def grant_role_permissions(sender: AppConfig, using: str = "default", **kwargs: Any) -> None:
    """Receiver of post_migrate: gives each role's group the permissions of the migrated app, no more and no less.

    It runs after django.contrib.auth has made the app's permissions, because that app comes first in INSTALLED_APPS.
    """
    if Group._meta.db_table not in connections[using].introspection.table_names():
        return
    of_app = list(
        Permission.objects.using(using).filter(content_type__app_label=sender.label).select_related("content_type")
    )
    if not of_app and sender.label != "access":
        return
    for role in Role:
        group, _created = Group.objects.using(using).get_or_create(name=role.value)
        wanted = {each.pk for each in of_app if role.allows(f"{sender.label}.{each.codename}")}
        has = set(group.permissions.filter(content_type__app_label=sender.label).values_list("pk", flat=True))
        group.permissions.add(*(wanted - has))
        group.permissions.remove(*(has - wanted))


def roles_of(user: Any) -> list[Role]:
    """The roles a user holds, in the order of the enum."""
    names = {group.name for group in user.groups.all()}
    return [role for role in Role if role.value in names]
