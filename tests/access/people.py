"""People for the tests of access: staff with a role and a second factor, and users of the portal."""

import datetime as dt

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

from evbilling.access.models import User
from evbilling.access.operations import assign_role
from evbilling.access.roles import Role

AT = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)
PASSWORD = "correct horse battery staple"


def staff(email: str = "clerk@operator.example", role: Role = Role.BILLING_CLERK, *, factor: bool = True) -> User:
    """A member of the staff; with `factor`, an authenticator app is enrolled."""
    user = User.objects.create_user(email, PASSWORD, full_name="Clara Clerk")
    user = assign_role(user_id=user.pk, role=role, by=None, at=AT)
    if factor:
        enrol(user)
    return User.objects.get(pk=user.pk)


def enrol(user: User) -> str:
    """Give the user an authenticator app and recovery codes; the app's secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    assert Authenticator.objects.filter(user=user).count() == 2
    return secret


def customer(email: str = "fleet@company.example") -> User:
    """A user of the portal."""
    return User.objects.create_user(email, PASSWORD, full_name="Fritz Fleet")
