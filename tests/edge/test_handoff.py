"""What passes between threads: frames may be replaced, requests may not, STOP always fits."""

import threading
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from edge.handoff import LatestSlot, Published, RequestQueue

JOIN_S = 30


# --- the newest value ---


def test_a_value_is_taken_once() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    assert slot.take(0) == 1
    assert slot.take(0) is None


def test_the_newest_value_replaces_and_the_replaced_are_counted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    for value in range(5):
        slot.put(value)
    assert slot.replaced == 4
    assert slot.take(0) == 4
    slot.put(5)
    assert slot.take(0) == 5
    assert slot.replaced == 4


def test_a_false_value_is_a_value() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(0)
    assert slot.take(0) == 0


def test_closing_wakes_who_waits() -> None:
    slot: LatestSlot[int] = LatestSlot()
    found: list[int | None] = []
    waiting = [threading.Thread(target=lambda: found.append(slot.take())) for _ in range(3)]
    for thread in waiting:
        thread.start()
    slot.close()
    for thread in waiting:
        thread.join(JOIN_S)
        assert not thread.is_alive()
    assert found == [None] * 3


def test_a_closed_slot_takes_nothing_more_and_gives_what_it_had() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    slot.close()
    slot.close()
    slot.put(2)
    assert slot.closed
    assert slot.take() == 1
    assert slot.take() is None
    assert slot.replaced == 0


def test_every_value_is_taken_or_counted_as_replaced() -> None:
    slot: LatestSlot[int] = LatestSlot()
    count = 2000
    taken: list[int] = []

    def take_all() -> None:
        while (value := slot.take()) is not None:
            taken.append(value)

    reader = threading.Thread(target=take_all)
    reader.start()
    for value in range(count):
        slot.put(value)
    slot.close()
    reader.join(JOIN_S)
    assert len(taken) + slot.replaced == count
    assert taken == sorted(set(taken))
    assert taken[-1] == count - 1


# --- requests ---


def test_requests_come_in_order_and_urgent_ones_first() -> None:
    queue: RequestQueue[str] = RequestQueue()
    for request in ("arm", "explain"):
        assert queue.put(request)
    assert queue.put("stop", urgent=True)
    assert queue.take_all() == ["stop", "arm", "explain"]
    assert queue.take_all() == []


def test_a_full_queue_refuses_all_but_urgent_requests() -> None:
    queue: RequestQueue[str] = RequestQueue(limit=2)
    assert [queue.put(name) for name in "abc"] == [True, True, False]
    assert queue.put("stop", urgent=True)
    assert queue.take_all() == ["stop", "a", "b"]
    assert queue.put("d")


def test_an_urgent_request_said_often_is_kept_once() -> None:
    queue: RequestQueue[str] = RequestQueue()
    assert all(queue.put("stop", urgent=True) for _ in range(1000))
    assert queue.take_all() == ["stop"]
    queue.put("stop", urgent=True)
    assert queue.take_all() == ["stop"]


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=60), st.integers(0, 8))
def test_what_was_accepted_is_taken(puts: list[tuple[int, bool]], limit: int) -> None:
    queue: RequestQueue[int] = RequestQueue(limit)
    accepted = [request for request, urgent in puts if queue.put(request, urgent) and not urgent]
    urgent = list(dict.fromkeys(request for request, urgent in puts if urgent))
    assert queue.take_all() == urgent + accepted
    assert len(accepted) <= limit


def test_many_threads_lose_no_request() -> None:
    queue: RequestQueue[int] = RequestQueue(limit=10_000)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(queue.put, range(4000)))
    assert sorted(queue.take_all()) == list(range(4000))


# --- what is shown ---


def test_a_published_value_is_replaced_whole() -> None:
    board = Published((1, 1))
    before = board.current()
    board.replace((2, 2))
    assert before == (1, 1)
    assert board.current() == (2, 2)
