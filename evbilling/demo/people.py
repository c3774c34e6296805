"""The logins of the demo: one for every role, with fixed passwords and second factors. MODE=demo only."""

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass

from allauth.mfa.totp.internal.auth import TOTP, hotp_value
from django.conf import settings
from django.contrib.auth.models import Group

from contracts.models import Membership, MembershipRole, Party
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.demo.company import FLEETS, MANUFACTURER, OWNERS
from evbilling.kernel.audit import record_audit

PASSWORD = "volt-amber-canyon-42"  # noqa: S105 - the demo's own, shown to everybody
PERIOD_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Person:
    """A login: a role in the workspace, or a company in the portal."""

    email: str
    name: str
    role: Role | None = None
    company: str = ""

    @property
    def secret(self) -> str:
        """The second factor's base32 secret: fixed, so that an authenticator app keeps working after a rebuild."""
        return base64.b32encode(hashlib.sha256(f"evbilling demo {self.email}".encode()).digest()[:20]).decode()

    @property
    def place(self) -> str:
        """What the login opens."""
        return str(self.role.label) if self.role is not None else f"Portal of {self.company}"


STAFF = (
    Person("admin@peachtree-charging.example", "Avery Stone", Role.ADMINISTRATOR),
    Person("contracts@peachtree-charging.example", "Casey Morgan", Role.CONTRACT_MANAGER),
    Person("contracts2@peachtree-charging.example", "Drew Ellis", Role.CONTRACT_MANAGER),
    Person("billing@peachtree-charging.example", "Blake Rivera", Role.BILLING_CLERK),
    Person("payments@peachtree-charging.example", "Parker Lane", Role.PAYMENTS_OFFICER),
    Person("auditor@peachtree-charging.example", "Quinn Hayes", Role.AUDITOR),
)
CUSTOMERS = (
    *(Person(f"fleet@{fleet.company.domain}", "Fleet manager", company=fleet.company.name) for fleet in FLEETS),
    Person(f"sponsoring@{MANUFACTURER.domain}", "Sponsoring desk", company=MANUFACTURER.name),
    Person(f"owner@{OWNERS[3].domain}", "Property manager", company=OWNERS[3].name),
)
ALL = (*STAFF, *CUSTOMERS)


def code_of(person: Person, at: dt.datetime) -> str:
    """The six digits that the person's authenticator app shows now (RFC 6238)."""
    return f"{hotp_value(person.secret, int(at.timestamp()) // PERIOD_SECONDS):06d}"


def add_people(at: dt.datetime) -> dict[str, User]:
    """Make the logins; staff and customers both have a second factor. Only in MODE=demo."""
    if settings.MODE != "demo":
        raise RuntimeError("The demo's logins exist in MODE=demo only.")
    users = {}
    for person in ALL:
        user = User.objects.create_user(person.email, PASSWORD, full_name=person.name, is_staff=person.role is not None)
        if person.role is not None:
            user.groups.add(Group.objects.get(name=person.role.value))
            TOTP.activate(user, person.secret)
        record_audit(action="access.user.invite", obj=user, by=None, at=at, reason="sample operator")
        users[person.email] = user
    return users


def add_members(users: dict[str, User]) -> None:
    """Let the customers' logins act for their companies."""
    for person in CUSTOMERS:
        Membership.objects.create(
            user=users[person.email],
            party=Party.objects.get(legal_name=person.company),
            role=MembershipRole.MANAGER,
        )
