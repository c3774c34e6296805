"""What stands around every portal page: navigation, company, switcher.

The shell lies below the portal and the contracts, so the roof tells it who a visitor is and what the navigation holds:
`register_portal(membership=..., frame=...)`, once, in the portal's AppConfig.ready().
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the top navigation; `url` is its page and the prefix of the pages below it."""

    label: str | Promise
    url: str
    icon: str = ""
    badge: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """One company the visitor may act for."""

    id: Any
    name: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class PortalFrame:
    """Everything the base template shows around a page."""

    navigation: Sequence[NavigationItem] = ()
    company: str = ""
    companies: Sequence[Company] = field(default_factory=tuple)
    switch_url: str = ""


MembershipOf = Callable[[HttpRequest], Any]
FrameOf = Callable[[HttpRequest], PortalFrame]
_registered: dict[str, Callable[[HttpRequest], Any]] = {}


def register_portal(*, membership: MembershipOf, frame: FrameOf) -> None:
    """Tell the shell how to find a visitor's membership (None for strangers) and what to show around the page."""
    _registered.update(membership=membership, frame=frame)


def membership_of(request: HttpRequest) -> Any:
    """The membership of the signed-in visitor, looked up once a request; None for strangers."""
    if not request.user.is_authenticated or "membership" not in _registered:
        return None
    if not hasattr(request, "membership"):
        request.membership = _registered["membership"](request)  # type: ignore[attr-defined]
    return request.membership  # type: ignore[attr-defined]


def frame_of(request: HttpRequest) -> PortalFrame:
    """The frame of the page; an empty one for visitors without a membership."""
    if membership_of(request) is None:
        return PortalFrame()
    frame: PortalFrame = _registered["frame"](request)
    return frame


def active_item(navigation: Sequence[NavigationItem], path: str) -> NavigationItem | None:
    """The entry whose address is the longest prefix of the page's path; the home page matches only itself."""
    fits = [item for item in navigation if path == item.url or (item.url != "/" and path.startswith(item.url))]
    return max(fits, key=lambda item: len(item.url), default=None)
