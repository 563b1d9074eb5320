"""Waiting for something to become so, in tests with a real link."""

import time
from collections.abc import Callable

PATIENCE_S = 20.0


def wait_for(is_so: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Return as soon as `is_so`; fail with `what` when it does not become so."""
    end_s = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end_s, f"waited {patience_s:g} s for {what}"
        time.sleep(0.002)
