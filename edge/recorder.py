"""The journal as the pipeline writes it: nothing is sent that is not on the disk first."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from edge.balance import Balance
from edge.decision import Facts, SortDecision
from edge.domain import Explanation, Frame
from edge.errors import ForeignReceipt, JournalError
from edge.explain.worker.progress import Progress
from edge.journal import Journal
from edge.journal_records import Entry
from edge.kept_frames import KeptFrames
from edge.kept_maps import KeptMaps
from sorter_firmware_bridge.bins import Receipt

STOP_REASON = "the journal cannot be written"
RETRY_S = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """An item that is on the disk.

    Attributes:
        item_id: Its id.
        command_id: What to send its command under; None where there is nothing to send.
    """

    item_id: int
    command_id: int | None


class Recorder:
    """Writes the journal. While that fails the machine is stopped, and nothing arms it.

    Receipts that could not be written wait and are written first; an item that could not be
    written was not sent, and is counted.

    Args:
        journal: The record.
        frames: Keeps pictures; None keeps none.
        stop: Stops the machine, for a reason.
        clock: Seconds, monotonic.
        wall_clock: Seconds since the epoch.
        maps: Keeps what explains the pictures; None keeps none.
    """

    def __init__(
        self,
        journal: Journal,
        frames: KeptFrames | None,
        stop: Callable[[str], None],
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        maps: KeptMaps | None = None,
    ) -> None:
        self._journal = journal
        self._frames, self._maps = frames, maps
        self._stop = stop
        self._clock, self._wall_clock = clock, wall_clock
        self._error: str | None = None
        self._waiting: deque[tuple[Receipt, float]] = deque()
        self._lost = 0
        self._next_s = float("-inf")
        self._recent: tuple[Entry, ...] = ()

    @property
    def problem(self) -> str | None:
        """Why nothing can be written; None while all is well."""
        if self._error is None or not self._lost:
            return self._error
        items = "1 item was" if self._lost == 1 else f"{self._lost} items were"
        return f"{self._error}; {items} seen since, and not moved"

    @property
    def contents(self) -> Mapping[int, int]:
        """See `Journal.contents`."""
        return self._journal.contents

    @property
    def delivered(self) -> Mapping[tuple[str, int], int]:
        """See `Journal.delivered`."""
        return self._journal.delivered

    def decision(self, decision: SortDecision, facts: Facts | None) -> Written | None:
        """Write down an item before it is sent; None where that failed, so that nothing is sent."""
        now_s = self._wall_clock()
        try:
            self._flush()
            command_id = self._journal.record_decision(decision, now_s, facts)
        except JournalError as error:
            self._lost += 1
            self._failed(error)
            return None
        self._worked()
        return Written(self._journal.last_item, command_id)

    def receipt(self, receipt: Receipt) -> None:
        """Write down what the machine said; what cannot be written waits."""
        self._waiting.append((receipt, self._wall_clock()))
        self._attempt(self._flush)

    def frame(self, item_id: int, frame: Frame) -> None:
        """Keep the picture of an item."""
        kept = self._frames.keep(item_id, frame) if self._frames else None
        if kept is not None:
            self._attempt(lambda: self._journal.record_frame(item_id, kept.sha256, kept.size_bytes))
            if self._maps is not None:
                self._maps.remember(item_id, frame, kept.sha256)

    def explained(self, gradcam: Explanation) -> None:
        """Keep a Grad-CAM, if it is of the picture of an item."""
        if self._maps is not None:
            self._maps.gradcam(gradcam)

    def explained_by_lime(self, told: Iterable[Progress]) -> None:
        """Keep what is over of the pictures of items."""
        if self._maps is not None:
            self._maps.limes(told)

    def empty_bin(self, number: int) -> None:
        """Write down that a bin was emptied."""
        self._attempt(lambda: self._journal.empty_bin(number, self._wall_clock()))

    def begin_order(self) -> None:
        """Write down that the wanted list is collected anew."""
        self._attempt(lambda: self._journal.begin_order(self._wall_clock()))

    def ready(self) -> bool:
        """Whether it can be written, tried if it could not: only then may a machine be armed."""
        return self._error is None or self._attempt(self._prove)

    def attend(self) -> None:
        """Try again from time to time what failed."""
        if self._error is not None and self._clock() >= self._next_s:
            self.ready()

    def recent(self, limit: int) -> tuple[Entry, ...]:
        """See `Journal.recent`; those of before where the file cannot be read."""

        def read() -> None:
            self._recent = self._journal.recent(limit)

        if self._error is None:
            self._attempt(read)
        return self._recent

    def balance(self) -> Balance:
        """See `Journal.balance`."""
        return self._journal.balance()

    def close(self) -> None:
        """Write what waits, and let go of the file.

        Raises:
            JournalError: Something could not be written: its result is unknown from now on.
        """
        try:
            self._flush()
        finally:
            self._journal.close()

    def _prove(self) -> None:
        self._flush()
        self._journal.prove_writable(self._wall_clock())

    def _flush(self) -> None:
        while self._waiting:
            receipt, at_s = self._waiting[0]
            try:
                self._journal.record_receipt(receipt, at_s)
            except ForeignReceipt as error:
                # To try it again would never help; the machine obeys somebody else.
                log.error("%s", error)
                self._stop(str(error))
            self._waiting.popleft()

    def _attempt(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except JournalError as error:
            self._failed(error)
            return False
        self._worked()
        return True

    def _failed(self, error: JournalError) -> None:
        if self._error is None:
            log.error("%s", error)
        self._error = str(error)
        self._next_s = self._clock() + RETRY_S
        self._stop(STOP_REASON)

    def _worked(self) -> None:
        if self._error is not None:
            log.warning("the journal can be written again; %d items are not in it", self._lost)
        self._error, self._lost = None, 0
