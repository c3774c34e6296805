"""Which prices of a tariff hold when."""

import datetime as dt

from contracts.models import TariffState, TariffVersion


def released_on(tariff_id: int, at: dt.datetime) -> TariffVersion | None:
    """The released prices of a tariff at an instant; before its first ones, those; None where none are released."""
    released = TariffVersion.objects.filter(tariff_id=tariff_id, state=TariffState.RELEASED).order_by("valid_from")
    return released.filter(valid_from__lte=at).last() or released.first()
