"""Swap and roll back, for the page and the command line."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from edge.errors import SwapError, SwapUnknown
from edge.manifest import Manifest
from edge.swap.candidates import Candidate, candidates
from edge.swap.places import CONFIGURED, Places
from edge.swap.standing import Entry, Record, Standing
from edge.swap.verifying import Verified, Verifier

log = logging.getLogger(__name__)


class Swapper:
    """Makes another model live. Safe for many threads.

    Args:
        places: Where the models are.
        restart: Begins the device anew, with what is live then; None where there is no device.
        clock: As `time.time`.
    """

    def __init__(
        self,
        places: Places,
        restart: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.places = places
        self._record = Record(places.record, places.names)
        self._verifier = Verifier(places.config)
        self._restart = restart
        self._clock = clock

    def standing(self) -> Standing:
        """Which model is live.

        Raises:
            SwapLost: It cannot be read.
        """
        return self._record.read()

    def candidates(self, running: Manifest | None = None) -> tuple[Candidate, ...]:
        """All models that may be made live, compared with the one that runs."""
        return candidates(self.places, running)

    def self_test(self, folder: Path) -> Verified:
        """Try a model as a whole, and change nothing.

        Raises:
            SwapError: It is refused.
        """
        return self._try(folder)

    def swap(self, model_id: str, by: str) -> Verified:
        """Make a model live, once it was tried; where it is refused, nothing changes.

        Args:
            model_id: Of one of `candidates`.
            by: Who wants it.

        Raises:
            SwapUnknown: There is no such model.
            SwapError: It is refused, another one is being tried, or it is live already.
        """
        if model_id not in (CONFIGURED, *self.places.staged_ids()):
            raise SwapUnknown(f"no model {model_id[:40]!r}; {self.places.allowed()}")
        found = self._try(self.places.folder(model_id))
        entry = Entry(id=model_id, name=found.name, seal=found.seal)

        def swapped(now: Standing) -> Standing:
            if now.live == entry or (now.live.id == model_id == CONFIGURED):
                raise SwapError(f"{entry.called} is live already; nothing was changed")
            return now.swapped(entry, by, self._clock())

        after = self._record.change(swapped)
        log.warning("%s made %s live", by, after.live.called)
        self._begin_anew()
        return found

    def roll_back(self, by: str) -> Verified:
        """Make the model before live again, once it was tried.

        Raises:
            SwapError: There is none, it is refused, or somebody swapped meanwhile.
        """
        before = self.standing().rolled_back(by, self._clock())
        found = self._try(self.places.folder(before.live.id))

        def rolled_back(now: Standing) -> Standing:
            after = now.rolled_back(by, self._clock())
            if after.live != before.live:
                raise SwapError("somebody else swapped meanwhile; look again")
            return after

        after = self._record.change(rolled_back)
        log.warning("%s went back to %s", by, after.live.called)
        self._begin_anew()
        return found

    def dismiss(self) -> None:
        """Somebody has seen the notice."""
        self._record.change(lambda now: now.model_copy(update={"notice": ""}))

    def close(self) -> None:
        """End what is being tried. Safe to call twice."""
        self._verifier.close()

    def _try(self, folder: Path) -> Verified:
        try:
            return self._verifier.verify(folder)
        except SwapError as error:
            raise SwapError(self.places.shown(error)) from error

    def _begin_anew(self) -> None:
        if self._restart is not None:
            self._restart()
