"""What the pages of the items stand on."""

from collections.abc import Callable
from pathlib import Path

from flask import Response

from edge.board import Board
from edge.corrections.corrections import Corrections
from edge.dashboard.guard import problem
from edge.dashboard.items.asked import MAX_ID
from edge.dashboard.items.pictures import ItemPictures
from edge.dashboard.items.rows import names_of
from edge.dashboard.items.similar import SimilarItems
from edge.domain import Label
from edge.journal_item import Whole
from edge.journal_search import JournalSearch
from edge.policy import Policy


class Items:
    """A journal to look at, its pictures and its corrections. Safe from many threads.

    Each question opens the journal anew: connections of SQLite are no thing to share.

    Args:
        journal: The journal's file.
        corrections: Of it.
        board: Says which labels and bins there are now.
        policy: That decides now; None where it is not known.
    """

    def __init__(
        self,
        journal: Path,
        corrections: Corrections,
        board: Board,
        policy: Callable[[], Policy | None],
    ) -> None:
        self._journal = journal
        self.corrections = corrections
        self.board = board
        self.policy = policy
        self.pictures = ItemPictures(journal, corrections)
        self.similar = SimilarItems(self.pictures, corrections)

    @property
    def labels(self) -> tuple[Label, ...]:
        """All that the model of now knows."""
        return self.board.current().about.labels

    def search(self) -> JournalSearch:
        """The journal, open; to be closed.

        Raises:
            JournalError: It is missing, damaged, or of another version.
        """
        return JournalSearch(self._journal)

    def item(self, item_id: int) -> Whole | None:
        """One item; None where it was pruned, or was never seen.

        Raises:
            JournalError: The journal cannot be read.
        """
        if item_id > MAX_ID:
            return None
        with self.search() as journal:
            return journal.item(item_id)

    def names(self, *more: tuple[Label, ...]) -> dict[str, str]:
        """What labels are called, by id."""
        return names_of(*more, self.labels)


def no_item(item_id: int) -> Response:
    """The answer to who asks for an item that is not there."""
    return problem(404, f"there is no item {item_id}: it was pruned, or was never seen")
