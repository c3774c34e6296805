"""How allauth behaves here: no open sign-up; staff land in the workspace, everyone else in the portal."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse


class AccountAdapter(DefaultAccountAdapter):
    """Users are invited by an administrator or by a company's own administrator, never self-made."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Closed: an account without a role or a membership could see nothing anyway."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Where a sign-in without a `next` address leads."""
        return reverse("admin:index") if getattr(request.user, "is_staff", False) else "/"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Wrong passwords are counted by axes in the database alone: one lock with one answer for all processes."""

    def reauthenticate(self, user: Any, password: str) -> bool:
        """The user's own address and password once more; it needs no row of allauth's address book."""
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk
