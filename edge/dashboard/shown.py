"""What pages were told of and may ask for next."""

from dataclasses import dataclass

from edge.board import Board, Snapshot
from edge.dashboard.lime_pictures import LimePictures
from edge.dashboard.pictures import ExplainedPictures


@dataclass(frozen=True, slots=True)
class Shown:
    """The board, and the pictures of the explanations that were last on it.

    Attributes:
        board: What to show.
        explained: Of Grad-CAM.
        limes: Of LIME.
    """

    board: Board
    explained: ExplainedPictures
    limes: LimePictures

    def look(self) -> Snapshot:
        """The newest snapshot; who reads of its explanations asks for their pictures next.

        The Grad-CAM of a frame is held as long as its LIME is on the board.
        """
        snapshot = self.board.current()
        self.limes.note(snapshot.lime)
        held = {progress.request.prediction.frame.sequence for progress in snapshot.lime}
        self.explained.note(snapshot.explanation, held)
        return snapshot
