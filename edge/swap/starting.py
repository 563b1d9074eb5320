"""What the device begins with; a model that fails is gone back from by itself."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from edge.bundle import Bundle, read_bundle
from edge.errors import BundleError, InterpreterError, SwapError, SwapLost
from edge.swap.places import CONFIGURED, Places
from edge.swap.standing import STARTS_MAX, Entry, Record, Standing

GOOD_FRAMES = 50
HEALTHY_S = 60.0
SAID_CHARS = 400
ITSELF = "the device"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """What the device begins with.

    Attributes:
        bundle: The model, verified.
        entry: Which one it is.
        trial: Whether it is healthy.
        notice: What people have to know of how it became the live one; "" where nothing.
    """

    bundle: Bundle
    entry: Entry
    trial: "Trial"
    notice: str


class Trial:
    """Counts how often the device begins with a model and does not get healthy.

    It is healthy once `GOOD_FRAMES` looks found a new labelled frame, or after `HEALTHY_S`
    without a failure: there may be no camera. Ending on purpose, or for what is no fault of the
    model, is not counted.

    Args:
        record: Where the count is.
        entry: The model.
        counted: Whether this start was counted.
        clock: As `time.monotonic`.
    """

    def __init__(
        self,
        record: Record,
        entry: Entry,
        counted: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record, self._entry = record, entry
        self._open = counted
        self._clock = clock
        self._began_s = clock()
        self._frames = 0
        self._newest = -1

    def look(self, sequence: int | None) -> None:
        """Note the newest labelled frame; call it a few times a second.

        Args:
            sequence: Of the frame; None where there is none yet.
        """
        if not self._open:
            return
        if sequence is not None and sequence != self._newest:
            self._newest, self._frames = sequence, self._frames + 1
        if self._frames >= GOOD_FRAMES or self._clock() - self._began_s >= HEALTHY_S:
            self._settle(lambda starts: 0)
            log.info("%s is healthy", self._entry.called)

    def ended(self, of_the_model: bool) -> None:
        """The device ends; whether for what may be the model's fault. Safe to call twice."""
        if self._open and not of_the_model:
            self._settle(lambda starts: starts - 1)
        self._open = False

    def left(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """For an `ExitStack`: the device could not be built."""
        self.ended(isinstance(error, BundleError | InterpreterError | MemoryError))

    def _settle(self, starts: Callable[[int], int]) -> None:
        self._open = False

        def settled(now: Standing) -> Standing:
            # Somebody may have swapped meanwhile; that count is not ours.
            same = now.live == self._entry
            return now.with_starts(starts(now.starts)) if same else now

        try:
            self._record.change(settled)
        except SwapLost as error:
            log.warning("%s", error)


def live_folder(places: Places) -> Path:
    """Folder of the live model, by the record alone; nothing is tried or counted."""
    try:
        return places.folder(Record(places.record, places.names).read().live.id)
    except SwapError:
        return places.configured


def open_live(places: Places) -> Live:
    """Read the live model; where it fails, go back to the one before, and say so.

    The start is counted before a model is loaded: it may end the process.

    Raises:
        BundleError: It is refused, and there is nothing to go back to.
    """
    record = Record(places.record, places.names)
    standing = _begin(record)
    if standing.previous is not None and standing.starts >= STARTS_MAX:
        why = f"the device ended {standing.starts} times before it was healthy"
        standing = _go_back(record, standing, why, places)
    while True:
        standing = _count(record, standing)
        try:
            bundle = _read(places, standing.live)
        except (BundleError, SwapError) as error:
            if standing.previous is None:
                raise
            standing = _go_back(record, standing, str(error), places)
            continue
        entry = _told_of(standing.live, bundle)
        trial = Trial(record, standing.live, standing.starts > 0)
        return Live(bundle, entry, trial, standing.notice)


def _begin(record: Record) -> Standing:
    try:
        standing = record.read()
    except SwapLost as error:
        log.error("%s", error)
        return Standing(notice=f"{error}. The model of the settings runs.")
    if standing.notice:
        log.error("%s", standing.notice)
    return standing


def _count(record: Record, standing: Standing) -> Standing:
    if standing.previous is None:
        return standing
    counted = standing.with_starts(standing.starts + 1)
    _keep(record, counted)
    return counted


def _go_back(record: Record, standing: Standing, why: str, places: Places) -> Standing:
    back = standing.rolled_back(ITSELF, time.time())
    said = places.shown(why)[:SAID_CHARS].rstrip(".")
    notice = f"{standing.live.called} was given up, and {back.live.called} runs again: {said}."
    if standing.notice:
        notice = f"{standing.notice} {notice}"
    log.error("%s", notice)
    after = back.model_copy(update={"notice": notice})
    _keep(record, after)
    return after


def _keep(record: Record, standing: Standing) -> None:
    try:
        record.write(standing)
    except SwapLost as error:
        # A full disk is no reason not to begin.
        log.error("%s", error)


def _read(places: Places, entry: Entry) -> Bundle:
    bundle = read_bundle(places.folder(entry.id))
    # The configured model comes and goes with its program and its settings.
    if entry.id != CONFIGURED and bundle.manifest.seal != entry.seal:
        raise BundleError(
            f"{entry.id} holds another model than the one that was tried; swap to it again"
        )
    return bundle


def _told_of(entry: Entry, bundle: Bundle) -> Entry:
    manifest = bundle.manifest
    return entry.model_copy(update={"name": manifest.name, "seal": manifest.seal})
