"""What pages were told of and may ask for next."""

from collections import deque
from dataclasses import dataclass, field

from edge.board import Board, Snapshot
from edge.dashboard.live.lime_pictures import LimePictures
from edge.dashboard.live.pictures import ExplainedPictures
from edge.domain import Explanation

TOLD = 6
"""Explanations that a person may still ask a LIME of: three seconds of one page's looks. Each holds
its whole frame."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The board, and the pictures of the explanations that were last on it.

    Attributes:
        board: What to show.
        explained: Of Grad-CAM.
        limes: Of LIME.
        told: The last Grad-CAMs that pages were told of.
    """

    board: Board
    explained: ExplainedPictures
    limes: LimePictures
    told: deque[Explanation] = field(default_factory=lambda: deque(maxlen=TOLD))

    def look(self) -> Snapshot:
        """The newest snapshot; who reads of its explanations asks for their pictures next.

        The Grad-CAM of a frame is held as long as its LIME is on the board.
        """
        snapshot = self.board.current()
        self.limes.note(snapshot.lime)
        held = {progress.request.prediction.frame.sequence for progress in snapshot.lime}
        self.explained.note(snapshot.explanation, held)
        # Two pages at once may note the same twice, which costs one place.
        if snapshot.explanation is not None and snapshot.explanation not in self.told:
            self.told.append(snapshot.explanation)
        return snapshot

    def told_of(self, sequence: int) -> Explanation | None:
        """The Grad-CAM of a frame, or of the newest where that frame is forgotten; None before."""
        known = list(self.told)
        newest = self.board.current().explanation
        of_frame = (e for e in known if e.prediction.frame.sequence == sequence)
        return next(of_frame, newest)
