"""Password reuse: the last four are refused (PCI DSS 8.3.7)."""

from typing import Any

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evbilling.access.models import PasswordHistory


class NotReusedValidator:
    """Refuses the user's last passwords; Django calls `password_changed` after each new one is saved."""

    def __init__(self, remembered: int = 4) -> None:
        self.remembered = remembered

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError for one of the last passwords."""
        if user is None or user.pk is None:
            return
        earlier = list(user.password_history.values_list("encoded", flat=True)[: self.remembered])
        if any(check_password(password, encoded) for encoded in {*earlier, user.password}):
            raise ValidationError(self.get_help_text(), code="password_reused")

    def password_changed(self, password: str, user: Any = None) -> None:
        """Remembers the hash of the new password and forgets those that no longer count."""
        if user is None or not user.has_usable_password():
            return
        PasswordHistory.objects.create(user=user, encoded=user.password)
        kept = list(user.password_history.values_list("pk", flat=True)[: self.remembered])
        user.password_history.exclude(pk__in=kept).delete()

    def get_help_text(self) -> str:
        """What the person has to do."""
        return _("Choose a password that is not one of your last %(count)d.") % {"count": self.remembered}
