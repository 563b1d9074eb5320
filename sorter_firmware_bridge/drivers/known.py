"""What is known of each command: the book that every driver keeps."""

from sorter_firmware_bridge.bins import Cause, Command, Receipt, ReceiptState

MAX_UNREAD = 1024
MAX_REMEMBERED = 256


class Book:
    """The newest receipt of each command, and which of them nobody has read yet.

    A receipt that cannot follow what is known is dropped: one that arrives twice, one that speaks
    of a command that was never sent, and one that comes after the end. Not locked: a driver with a
    thread holds its own lock.

    Args:
        max_unread: News it holds; above that `objection` refuses further commands.
        max_remembered: Commands it remembers; the oldest are forgotten first.
    """

    def __init__(self, max_unread: int = MAX_UNREAD, max_remembered: int = MAX_REMEMBERED) -> None:
        self._max_unread = max_unread
        self._max_remembered = max_remembered
        self._known: dict[int, Receipt] = {}
        self._last_id = 0
        self._news: list[Receipt] = []

    @property
    def open_ids(self) -> tuple[int, ...]:
        """Commands that were accepted and of which nothing else is known, oldest first."""
        return tuple(
            known.command_id
            for known in self._known.values()
            if known.state is ReceiptState.ACCEPTED
        )

    def objection(self, command: Command) -> Receipt | None:
        """Why a command is not to be sent; None where it may be.

        Returns:
            What is known of an id that was sent before; a refusal of an id below the newest, or of
            any while too much news is unread.
        """
        if command.id <= self._last_id:
            return self._known.get(command.id) or refused(
                command, Cause.REPEATED, f"id {command.id} is not above {self._last_id}, the newest"
            )
        if len(self._news) >= self._max_unread:
            return refused(
                command, Cause.QUEUE_FULL, f"{len(self._news)} receipts are unread; collect them"
            )
        return None

    def enter(self, receipt: Receipt) -> Receipt:
        """Note what a command was answered with; a refused one was not sent and leaves no trace.

        Returns:
            The same receipt.
        """
        if receipt.state is not ReceiptState.REFUSED:
            self._last_id = max(self._last_id, receipt.command_id)
            self._write(receipt)
        return receipt

    def learn(self, receipt: Receipt) -> bool:
        """Take one more fact of a command that was entered.

        Returns:
            Whether it was new.
        """
        known = self._known.get(receipt.command_id)
        if known is None or not known.state.may_become(receipt.state):
            return False
        self._write(receipt)
        self._news.append(receipt)
        return True

    def end_open(self, state: ReceiptState, cause: Cause, reason: str) -> None:
        """End every command that was accepted and of which nothing else is known.

        Args:
            state: `UNKNOWN` where the machine may have fired it, `MISSED` where it cannot have.
            cause: Why.
            reason: The same for a person.
        """
        for command_id in self.open_ids:
            self.learn(Receipt(command_id, state, None, cause, reason))

    def collect(self) -> tuple[Receipt, ...]:
        """The news since the last call, oldest first."""
        news, self._news = tuple(self._news), []
        return news

    def _write(self, receipt: Receipt) -> None:
        self._known[receipt.command_id] = receipt
        while len(self._known) > self._max_remembered:
            self._known.pop(next(iter(self._known)))


def refused(command: Command, cause: Cause, reason: str, clock_s: float | None = None) -> Receipt:
    """A command that was not taken, and why."""
    return Receipt(command.id, ReceiptState.REFUSED, clock_s, cause, reason)


def unanswered(command_id: int) -> Receipt:
    """A command of which nobody can say whether it fired."""
    reason = "no answer; whether it fired is not known, and it is not sent again"
    return Receipt(command_id, ReceiptState.UNKNOWN, None, Cause.NO_ANSWER, reason)
