"""A worker ends when it is asked to or fails, and says which."""

import threading

from edge.worker import Worker

JOIN_S = 30


class Watched:
    """Writes down what a worker reports."""

    def __init__(self) -> None:
        self.steps = 0
        self.finished: list[str] = []
        self.errors: list[tuple[str, str, Exception]] = []
        self.stepped = threading.Event()

    def step(self) -> None:
        self.steps += 1
        self.stepped.set()

    def finish(self) -> None:
        self.finished.append(threading.current_thread().name)

    def failed(self, name: str, error: Exception) -> None:
        self.errors.append((name, threading.current_thread().name, error))


def ended(worker: Worker) -> bool:
    return worker.join(JOIN_S)


def test_it_steps_until_it_is_stopped() -> None:
    seen = Watched()
    worker = Worker("capture", seen.step, seen.failed, seen.finish)
    worker.start()
    assert seen.stepped.wait(JOIN_S)
    worker.stop()
    worker.stop()
    assert ended(worker)
    assert seen.steps >= 1
    assert seen.finished == ["capture"]
    assert seen.errors == []


def test_an_error_ends_it_and_is_reported_before_it_finishes() -> None:
    order: list[str] = []
    broken = OSError("the disk is gone")

    def step() -> None:
        order.append("step")
        raise broken

    seen = Watched()

    def failed(name: str, error: Exception) -> None:
        order.append("failed")
        seen.failed(name, error)

    worker = Worker("pipeline", step, failed, lambda: order.append("finish"))
    worker.start()
    assert ended(worker)
    assert order == ["step", "failed", "finish"]
    assert seen.errors == [("pipeline", "pipeline", broken)]


def test_an_error_while_finishing_is_reported() -> None:
    broken = RuntimeError("cannot close")

    def finish() -> None:
        raise broken

    seen = Watched()
    worker = Worker("pipeline", seen.step, seen.failed, finish)
    worker.start()
    assert seen.stepped.wait(JOIN_S)
    worker.stop()
    assert ended(worker)
    assert seen.errors == [("pipeline", "pipeline", broken)]


def test_a_worker_stopped_before_it_starts_does_no_step() -> None:
    seen = Watched()
    worker = Worker("web", seen.step, seen.failed, seen.finish)
    worker.stop()
    worker.start()
    assert ended(worker)
    assert seen.steps == 0
    assert seen.finished == ["web"]


def test_one_that_never_started_has_ended() -> None:
    seen = Watched()
    assert Worker("web", seen.step, seen.failed, seen.finish).join(0)
    assert seen.finished == []


def test_one_that_hangs_is_not_waited_for_for_ever() -> None:
    release = threading.Event()
    seen = Watched()
    worker = Worker("capture", lambda: bool(release.wait()) and None, seen.failed)
    worker.start()
    worker.stop()
    assert not worker.join(0.01)
    release.set()
    assert ended(worker)
    assert seen.errors == []
