"""How a process that works through many rows looks after its memory."""

import gc


def collect_rarely() -> None:
    """Look for unused objects less often, and never again among those that stand now: programs, models, settings.

    For a worker process at its start. Billing makes rows by the ten thousand and drops them all at the end of a
    transaction; looking through them again and again while it does took a seventh of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
