"""The book that every driver keeps of its commands."""

from hypothesis import given
from hypothesis import strategies as st
from rigs import BINS

from sorter_firmware_bridge.bins import Cause, Command, Receipt, ReceiptState
from sorter_firmware_bridge.drivers.known import Book, refused, unanswered

ACCEPTED, FIRED, MISSED = ReceiptState.ACCEPTED, ReceiptState.FIRED, ReceiptState.MISSED


def _receipt(command_id: int, state: ReceiptState) -> Receipt:
    return Receipt(command_id, state, 1.0)


def test_an_id_that_was_entered_is_answered_with_what_is_known() -> None:
    book = Book()
    book.enter(_receipt(5, ACCEPTED))
    assert book.objection(Command(5, BINS[0])) == _receipt(5, ACCEPTED)
    below = book.objection(Command(4, BINS[0]))
    assert below is not None
    assert (below.state, below.cause) == (ReceiptState.REFUSED, Cause.REPEATED)
    assert book.objection(Command(6, BINS[0])) is None


def test_a_refused_command_leaves_its_id_free() -> None:
    book = Book()
    book.enter(refused(Command(5, BINS[0]), Cause.QUEUE_FULL, "full"))
    assert book.objection(Command(5, BINS[0])) is None


def test_too_much_unread_news_refuses_more_and_reading_it_ends_that() -> None:
    book = Book(max_unread=2)
    for command_id in (1, 2):
        book.enter(_receipt(command_id, ACCEPTED))
        book.learn(_receipt(command_id, FIRED))
    full = book.objection(Command(3, BINS[0]))
    assert full is not None
    assert full.cause is Cause.QUEUE_FULL
    assert len(book.collect()) == 2
    assert book.objection(Command(3, BINS[0])) is None


def test_the_oldest_are_forgotten_but_never_taken_again() -> None:
    book = Book(max_remembered=2)
    for command_id in (1, 2, 3):
        book.enter(_receipt(command_id, ACCEPTED))
    assert not book.learn(_receipt(1, FIRED))
    again = book.objection(Command(1, BINS[0]))
    assert again is not None
    assert again.cause is Cause.REPEATED


def test_what_is_open_ends_once() -> None:
    book = Book()
    book.enter(_receipt(1, ACCEPTED))
    book.enter(_receipt(2, ACCEPTED))
    book.enter(unanswered(3))
    book.learn(_receipt(1, FIRED))
    for _ in range(2):
        book.end_open(ReceiptState.UNKNOWN, Cause.NO_ANSWER, "gone")
    assert [(r.command_id, r.state) for r in book.collect()] == [
        (1, FIRED),
        (2, ReceiptState.UNKNOWN),
    ]


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(ReceiptState)), max_size=40))
def test_whatever_is_told_each_command_ends_at_most_once(
    told: list[tuple[int, ReceiptState]],
) -> None:
    book = Book()
    for command_id in (1, 2, 3):
        book.enter(_receipt(command_id, ACCEPTED))
    for command_id, state in told:
        book.learn(_receipt(command_id, state))
    news = [(r.command_id, r.state) for r in book.collect()]
    assert len(news) == len(set(news))
    assert all(command_id != 4 for command_id, _ in news)
    for command_id in (1, 2, 3):
        states = [state for number, state in news if number == command_id]
        assert sum(state in (FIRED, MISSED, ReceiptState.UNKNOWN) for state in states) <= 1
