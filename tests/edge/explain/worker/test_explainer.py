"""The explainer with its real process: what waits, what runs, what is left when it dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundle_copies import copy_bundle, edit_manifest

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.domain import Frame, Prediction
from edge.explain.gradcam import GradCam
from edge.explain.lime import lime
from edge.explain.lime_result import LimeSettings
from edge.explain.worker.budget import Strain
from edge.explain.worker.cache import key_of
from edge.explain.worker.child import Failed, Found, Job
from edge.explain.worker.explainer import Explainer, ExplainerSettings
from edge.explain.worker.process import LimeProcess, ProcessDied
from edge.explain.worker.progress import ExplainState, Progress

COOL = Strain(load=0.0, celsius=40.0)
QUICK = LimeSettings(samples=48, stable_rounds=0)
ENDLESS = LimeSettings(samples=1_000_000, stable_rounds=0)
WAIT_S = 120.0

Drive = Callable[[Explainer, Callable[[Explainer], bool]], None]


@pytest.fixture(scope="module")
def pictures(shipped: Bundle) -> list[Prediction]:
    classifier, rng = Classifier(shipped), np.random.default_rng(0)
    blocks = rng.integers(0, 256, (3, 12, 16, 3)).astype(np.uint8).repeat(10, 1).repeat(10, 2)
    return [classifier.classify(Frame(i, 0.0, image)) for i, image in enumerate(blocks)]


@pytest.fixture
def build(shipped: Bundle) -> Iterator[Callable[..., Explainer]]:
    built: list[Explainer] = []

    def make(
        lime_settings: LimeSettings = QUICK, strain: Strain = COOL, bundle: Bundle = shipped
    ) -> Explainer:
        settings = ExplainerSettings(lime_settings, seconds=WAIT_S)
        built.append(Explainer(bundle, settings, lambda: strain))
        return built[-1]

    yield make
    for explainer in built:
        explainer.close()


def drive(explainer: Explainer, until: Callable[[Explainer], bool]) -> None:
    """Let it work until something is so."""
    end_s = time.monotonic() + WAIT_S
    while not until(explainer):
        assert time.monotonic() < end_s, [p.state for p in explainer.current()]
        explainer.step(0.05)


def of(explainer: Explainer, number: int | None) -> Progress | None:
    return next((p for p in explainer.current() if p.request.number == number), None)


def reached(number: int | None, *states: ExplainState) -> Callable[[Explainer], bool]:
    def there(explainer: Explainer) -> bool:
        found = of(explainer, number)
        return found is not None and found.state in states

    return there


def over(number: int | None) -> Callable[[Explainer], bool]:
    return reached(number, *(state for state in ExplainState if state.over))


def progress(explainer: Explainer, number: int | None) -> Progress:
    found = of(explainer, number)
    assert found is not None
    return found


def test_a_request_is_explained_as_in_this_process_bit_for_bit(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer, seen = build(), pictures[0]
    labels = shipped.labels[:3]
    hires = GradCam(shipped).explain(seen, labels, "hirescam")
    number = explainer.offer(seen, labels, hires)
    drive(explainer, over(number))
    done = progress(explainer, number)
    assert (done.state, done.samples, done.budget) == (ExplainState.DONE, 48, 48)
    assert done.explanation is not None
    assert done.explanation.prediction is seen
    expected = lime(seen.model_input, Classifier(shipped).logits, QUICK, wanted=[0, 1, 2])
    np.testing.assert_array_equal(
        done.explanation.details["coefficients"], expected.coefficients[:3]
    )
    assert len(done.agreements) == 3


def test_states_follow_each_other(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer, states = build(replace(QUICK, samples=512)), []
    number = explainer.offer(pictures[0], shipped.labels[:1])

    def watched(explainer: Explainer) -> bool:
        found = of(explainer, number)
        if found is not None and found.state not in states:
            states.append(found.state)
        return found is not None and found.state.over

    drive(explainer, watched)
    assert states == sorted(states, key=list(ExplainState).index)
    assert {ExplainState.SAMPLING, ExplainState.DONE} <= set(states)
    interim = [p for p in states if p is ExplainState.SAMPLING]
    assert interim


def test_a_cancelled_request_gives_what_it_has(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build(ENDLESS)
    number = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, reached(number, ExplainState.SAMPLING))
    explainer.cancel(number)
    drive(explainer, over(number))
    cancelled = progress(explainer, number)
    assert cancelled.state is ExplainState.CANCELLED
    assert 0 < cancelled.samples < ENDLESS.samples
    assert cancelled.explanation is not None
    assert cancelled.explanation.maps.any()
    # The process is free for the next.
    assert explainer.process.starts == 1


def test_a_request_that_waits_is_cancelled_without_beginning(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build(ENDLESS)
    running = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, reached(running, ExplainState.SAMPLING))
    waiting, pinned = (
        explainer.offer(pictures[1], shipped.labels[:1]),
        explainer.pin(pictures[2], shipped.labels[:1]),
    )
    explainer.cancel(waiting)
    explainer.cancel(running)
    explainer.cancel(12345)
    drive(explainer, reached(pinned, ExplainState.SAMPLING))
    assert progress(explainer, waiting).state is ExplainState.CANCELLED
    assert progress(explainer, waiting).explanation is None
    assert progress(explainer, running).state is ExplainState.CANCELLED


def test_of_a_thousand_requests_the_newest_and_the_pinned_one_are_explained(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build()
    for k in range(500):
        explainer.offer(pictures[k % 2], shipped.labels[:1])
    pinned = explainer.pin(pictures[2], shipped.labels[:1])
    for k in range(499):
        last = explainer.offer(pictures[k % 2], shipped.labels[:1])
    drive(explainer, over(last))
    assert progress(explainer, pinned).state is ExplainState.DONE
    assert progress(explainer, last).state is ExplainState.DONE
    assert explainer.superseded == 998
    shown = explainer.current()
    assert len(shown) <= 9
    assert any(p.state is ExplainState.SUPERSEDED for p in shown)


def test_pinned_requests_are_bounded(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build()
    taken = [explainer.pin(pictures[0], shipped.labels[:1]) for _ in range(20)]
    assert taken[:8] == list(range(1, 9))
    assert set(taken[8:]) == {None}
    explainer.step(0)
    refused = [p for p in explainer.current() if p.state is ExplainState.FAILED]
    assert refused
    assert all("too many requests wait" in (p.problem or "") for p in refused)


def test_a_killed_process_fails_its_request_and_serves_the_next(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build(ENDLESS)
    number = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, reached(number, ExplainState.SAMPLING))
    pid = explainer.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    drive(explainer, over(number))
    failed = progress(explainer, number)
    assert failed.state is ExplainState.FAILED
    assert failed.problem is not None
    assert "exit code -9" in failed.problem
    assert "starts it again" in failed.problem
    again = explainer.offer(pictures[1], shipped.labels[:1])
    drive(explainer, reached(again, ExplainState.SAMPLING))
    assert explainer.process.starts == 2


def test_a_process_killed_while_idle_costs_no_request(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build()
    first = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, over(first))
    pid = explainer.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    second = explainer.offer(pictures[1], shipped.labels[:1])
    drive(explainer, over(second))
    assert progress(explainer, second).state is ExplainState.DONE
    assert explainer.process.starts == 2


def test_a_process_that_stands_still_does_not_hold_up_whoever_sends(shipped: Bundle) -> None:
    process = LimeProcess(shipped.folder, shipped.sha256, pipe_s=0.5)
    huge = np.zeros((2000, 2000, 3), np.uint8)
    try:
        process.send(Job(1, huge[:8, :8], (0,), QUICK, WAIT_S))
        while not isinstance(process.receive(0.1), Failed | Found):
            pass
        pid = process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(ProcessDied):
            process.send(Job(2, huge, (0,), QUICK, WAIT_S))
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    finally:
        process.close()


def test_what_is_known_is_not_computed_again(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build()
    first = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, over(first))
    explainer.process.close()
    # Other labels of the same picture are known, too.
    second = explainer.offer(pictures[0], shipped.labels[40:42])
    drive(explainer, over(second))
    assert explainer.process.starts == 1
    done = progress(explainer, second)
    assert done.state is ExplainState.DONE
    assert done.explanation is not None
    assert [label.index for label in done.explanation.labels] == [40, 41]


def test_what_ended_early_for_other_labels_is_no_answer_for_these(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer, seen = build(), pictures[0]
    whole = lime(seen.model_input, Classifier(shipped).logits, QUICK)
    stability = np.zeros(len(shipped.labels), np.float32)
    stability[3] = 1
    early = replace(whole, ended="stable", samples=24, stability=stability)
    explainer._cache.put(key_of(seen.model_input, shipped.sha256, QUICK), early)
    steady = explainer.offer(seen, shipped.labels[3:4])
    drive(explainer, over(steady))
    assert progress(explainer, steady).samples == 24
    other = explainer.offer(seen, shipped.labels[3:5])
    drive(explainer, over(other))
    assert progress(explainer, other).samples == 48
    assert explainer.process.starts == 1


def test_a_hot_machine_gets_a_smaller_budget(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build(replace(QUICK, samples=400), Strain(load=0.0, celsius=79.0))
    number = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, over(number))
    done = progress(explainer, number)
    assert done.samples == done.budget == 128
    assert done.lowered_from == 400
    # It answers the same question of a machine that is still as hot.
    explainer.process.close()
    again = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, over(again))
    assert progress(explainer, again).samples == 128
    assert explainer.process.starts == 1


def test_a_bundle_that_was_replaced_explains_nothing(
    build: Callable[..., Explainer], pictures: list[Prediction], tmp_path: Path
) -> None:
    folder = copy_bundle(tmp_path / "bundle")
    explainer = build(bundle=read_bundle(folder))
    edit_manifest(folder, lambda values: values.update(schema_version=99))
    number = explainer.offer(pictures[0], explainer._bundle.labels[:1])
    drive(explainer, over(number))
    failed = progress(explainer, number)
    assert failed.state is ExplainState.FAILED
    assert failed.problem is not None
    assert "schema_version is 99" in failed.problem


def test_nothing_to_explain_is_refused(
    build: Callable[..., Explainer], pictures: list[Prediction]
) -> None:
    with pytest.raises(ValueError, match="name at least one"):
        build().offer(pictures[0], ())


def test_closing_cancels_what_waits_and_ends_the_process(
    build: Callable[..., Explainer], pictures: list[Prediction], shipped: Bundle
) -> None:
    explainer = build(ENDLESS)
    running = explainer.offer(pictures[0], shipped.labels[:1])
    drive(explainer, reached(running, ExplainState.SAMPLING))
    waiting = explainer.offer(pictures[1], shipped.labels[:1])
    pid = explainer.process.pid
    assert pid is not None
    explainer.close()
    explainer.close()
    assert {p.state for p in explainer.current()} == {ExplainState.CANCELLED}
    assert {p.request.number for p in explainer.current()} == {running, waiting}
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


ORPHAN = """
import os, sys, numpy as np
from pathlib import Path
from edge.bundle import read_bundle
from edge.classifier import Classifier
from edge.config import SHIPPED_BUNDLE
from edge.domain import Frame
from edge.explain.lime_result import LimeSettings
from edge.explain.worker.explainer import Explainer, ExplainerSettings

if __name__ == "__main__":
    bundle = read_bundle(SHIPPED_BUNDLE)
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    seen = Classifier(bundle).classify(Frame(0, 0.0, image))
    endless = LimeSettings(samples=10**6, stable_rounds=0)
    explainer = Explainer(bundle, ExplainerSettings(endless, seconds=1000))
    explainer.offer(seen, bundle.labels[:1])
    while not any(p.samples for p in explainer.current()):
        explainer.step()
    print(explainer.process.pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_the_process_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "orphan.py"
    script.write_text(ORPHAN)
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == -signal.SIGKILL
    pid, end_s = int(done.stdout), time.monotonic() + WAIT_S
    while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
        assert time.monotonic() < end_s, "the child lives on"


INTERRUPTED = """
import os, signal, sys, time
from pathlib import Path
from edge.config import SHIPPED_BUNDLE
from edge.explain.lime_result import LimeSettings
from edge.explain.worker.child import Job
from edge.explain.worker.process import LimeProcess
import numpy as np

if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: None)
    process = LimeProcess(SHIPPED_BUNDLE, "other")
    process.send(Job(1, np.zeros((8, 8, 3), np.uint8), (0,), LimeSettings(), 1.0))
    # The child is still loading.
    time.sleep(float(sys.argv[1]))
    os.kill(process.pid, signal.SIGINT)
    while (said := process.receive(1.0)) is None:
        pass
    print(type(said).__name__, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    process.close()
"""


@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.3])
def test_an_interrupt_while_the_process_starts_does_not_reach_it(
    tmp_path: Path, after_s: float
) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, script, str(after_s)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert "Traceback" not in done.stderr
    # The parent hears interrupts again.
    assert done.stdout == "Failed set()\n"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
