"""Who calls: a program by its token, or a signed-in person by the session."""

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from evbilling.access.models import ApiToken, User
from evbilling.access.operations import recognise_token

SCHEME = "Bearer"
_MOST_HEADER = 200


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer evb_...`. One answer for every token that opens nothing, so that it tells nothing."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's user; None where the request brings no token. Raises AuthenticationFailed."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != SCHEME.lower().encode():
            return None
        token = None
        if len(words) == 2 and len(words[1]) <= _MOST_HEADER:
            token = recognise_token(secret=words[1].decode("latin-1"), at=timezone.now())
        if token is None:
            raise AuthenticationFailed(_("This token is unknown, expired or revoked; ask an administrator for one."))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """What a refused request is told to bring."""
        return SCHEME
