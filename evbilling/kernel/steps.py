"""Named steps of long work, so that a test can end the work at each of them (invariant I16)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_observer: list[Callable[[str], None]] = []


def step(name: str) -> None:
    """Mark that the work reached this point; does nothing unless a test observes."""
    for observe in _observer:
        observe(name)


@contextmanager
def observed(observe: Callable[[str], None]) -> Iterator[None]:
    """Call `observe(name)` at each step inside the block; it may raise, as a crash would."""
    _observer.append(observe)
    try:
        yield
    finally:
        _observer.remove(observe)
