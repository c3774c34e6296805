"""German: 22.11.2026, 14:05 UTC: an instant says its zone."""

DATE_FORMAT = "d.m.Y"
SHORT_DATE_FORMAT = "d.m.Y"
DATETIME_FORMAT = "d.m.Y, H:i T"
SHORT_DATETIME_FORMAT = "d.m.Y, H:i T"
TIME_FORMAT = "H:i"
