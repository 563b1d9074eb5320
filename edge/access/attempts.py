"""How often somebody may guess.

Our own few lines: the limiters there are keep a timer thread each, or a server besides.
"""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

LIMITS = ((5, 60.0), (20, 3600.0))
"""So many within so many seconds."""
KEYS_KEPT = 10_000
"""Of the addresses that tried last; what is forgotten begins anew."""


class Attempts:
    """Counts guesses of passwords, tokens and codes: 5 a minute and 20 an hour from one address.

    Those that succeed count too. Safe from many threads.

    Args:
        clock: As `time.monotonic`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str, *, counted: bool = True) -> int:
        """Count a guess.

        Args:
            key: Whose, for example "address 10.0.0.7".
            counted: False only asks.

        Returns:
            0 where it may be made, else after how many seconds the next one may; it is not
            counted then.
        """
        with self._lock:
            now_s = self._clock()
            tried = self._tried.pop(key, None) or deque(maxlen=max(most for most, _ in LIMITS))
            self._tried[key] = tried
            while len(self._tried) > KEYS_KEPT:
                self._tried.popitem(last=False)
            # The guess `most` ago must be longer ago than the window.
            waits = [
                tried[-most] + window_s - now_s for most, window_s in LIMITS if len(tried) >= most
            ]
            wait_s = max(waits, default=0.0)
            if wait_s > 0:
                return math.ceil(wait_s)
            if counted:
                tried.append(now_s)
            return 0
