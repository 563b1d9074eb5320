"""Opening a machine takes seconds where nobody answers: a thread of its own keeps frames coming."""

from collections.abc import Callable

from edge.handoff import LatestSlot
from sorter_firmware_bridge.drivers.driver import Driver
from sorter_firmware_bridge.errors import BridgeError

ASK_WAIT_S = 0.2


class Opening:
    """Opens a driver when asked to, and hands it over when it is there.

    `take` is for the pipeline's thread, `step` and `close` for the one that opens.

    Args:
        open_driver: Opens it; may take seconds.
    """

    def __init__(self, open_driver: Callable[[], Driver]) -> None:
        self._open_driver = open_driver
        self._asks: LatestSlot[bool] = LatestSlot()
        self._results: LatestSlot[Driver | BridgeError] = LatestSlot()
        self._asked = False

    def take(self) -> Driver | None:
        """The driver once it is open; None while that takes. The first call begins.

        Raises:
            BridgeError: It could not be opened; the next call begins again.
        """
        result = self._results.take(0.0)
        if result is None:
            if not self._asked:
                self._asked = True
                self._asks.put(True)
            return None
        self._asked = False
        if isinstance(result, BridgeError):
            raise result
        return result

    def step(self) -> None:
        """Wait a moment for somebody to ask, and open."""
        if self._asks.take(ASK_WAIT_S) is None:
            return
        try:
            self._results.put(self._open_driver())
        except BridgeError as error:
            self._results.put(error)

    def close(self) -> None:
        """Close what was opened and nobody took."""
        left = self._results.take(0.0)
        if left is not None and not isinstance(left, BridgeError):
            left.close()
