"""Line icons, drawn in a 24 by 24 box; colour and size come from the style sheet."""

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_PATHS = {
    "alert": "M12 3 2.5 20h19L12 3Z M12 10v4 M12 17.2v.1",
    "bolt": "M13 2 4.5 13.5H11L10 22l8.5-11.5H12L13 2Z",
    "building": "M5 21V4.5L14 3v18 M14 9l5 1v11 M3 21h18 M8.5 8h2 M8.5 12h2 M8.5 16h2",
    "calendar": "M4 6h16v14H4z M4 10h16 M8 3v4 M16 3v4",
    "card": "M3 6h18v12H3z M3 10h18 M7 15h3",
    "car": "M4 16v-4l2-5h12l2 5v4z M4 12h16 M6.5 16v2 M17.5 16v2 M7.5 14h.1 M16.5 14h.1",
    "check": "m5 12.5 4.5 4.5L19 7.5",
    "chevron-down": "m6 9 6 6 6-6",
    "chevron-left": "m15 6-6 6 6 6",
    "chevron-right": "m9 6 6 6-6 6",
    "close": "M6 6l12 12 M18 6 6 18",
    "contract": "M6 3h9l4 4v14H6z M14.5 3v5H19 M9 12.5h6.5 M9 16.5h6.5",
    "copy": "M9 9h11v11H9z M5 15H4V4h11v1",
    "download": "M12 4v11 M7.5 10.5 12 15l4.5-4.5 M4 20h16",
    "filter": "M4 6h16 M7 12h10 M10 18h4",
    "home": "M4 11 12 4l8 7 M6 9.5V20h12V9.5 M10 20v-5.5h4V20",
    "invoice": "M6 3h12v18l-3-2-3 2-3-2-3 2z M9.5 8h5 M9.5 12h5",
    "key": "M14.5 9.5m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0 M11 13l-7 7 M6.5 17.5 9 20",
    "leaf": "M5 19C5 9 11 4.5 20 4c.5 9-4 15-13 14 M5 20c1.5-5 4.5-8 9-10",
    "lock": "M5 11h14v10H5z M8 11V8a4 4 0 0 1 8 0v3",
    "logout": "M10 4H5v16h5 M15 8l4 4-4 4 M19 12H9.5",
    "mail": "M3 6h18v13H3z M3.5 7l8.5 6.5L20.5 7",
    "phone": "M7 2.5h10v19H7z M11 18.5h2",
    "pin": (
        "M12 21s7-6.2 7-11.5a7 7 0 0 0-14 0C5 14.8 12 21 12 21Z M12 9.5m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0"
    ),
    "plus": "M12 5v14 M5 12h14",
    "search": "M10.5 10.5m-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0 M15.5 15.5 20.5 20.5",
    "sessions": "M6 21V4h8v17 M4 21h12 M8.5 8h3 M14 12h2.5v5a1.7 1.7 0 0 0 3.5 0V9.5L17 6.5",
    "settings": (
        "M4 7h9 M17 7h3 M4 17h3 M11 17h9 M15 7m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0 M9 17m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0"
    ),
    "shield": "M12 3l7.5 3v5.5c0 4.7-3.2 8-7.5 9.5-4.3-1.5-7.5-4.8-7.5-9.5V6z M8.8 12l2.3 2.3 4.2-4.6",
    "user": "M12 8m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0 M4.5 20.5c.8-4 3.8-6 7.5-6s6.7 2 7.5 6",
    "users": (
        "M9 8.5m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0 M2.5 20c.6-3.7 3.2-5.5 6.5-5.5s5.9 1.8 6.5 5.5 "
        "M16 5.2a3.5 3.5 0 0 1 0 6.6 M18 14.8c2 .8 3.2 2.5 3.5 5.2"
    ),
}


def icon_svg(name: str) -> SafeString:
    """The icon as inline SVG, hidden from screen readers. Raises KeyError for an icon that was never drawn."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>',
        mark_safe(_PATHS[name]),  # noqa: S308 - a constant above
    )
