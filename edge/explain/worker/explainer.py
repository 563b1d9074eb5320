"""LIME beside the pipeline: newest wins, pinned stays, nothing waits for it."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from edge.bundle import Bundle
from edge.domain import Explanation, Label, Prediction
from edge.explain.agreement import Agreement, agreement
from edge.explain.lime_result import LimeResult, LimeSettings, explanation
from edge.explain.worker.budget import Limits, Strain, budget, read_strain
from edge.explain.worker.cache import LimeCache, key_of
from edge.explain.worker.child import Begun, Failed, Found, Job
from edge.explain.worker.process import LimeProcess, Message, ProcessDied
from edge.explain.worker.progress import ExplainRequest, ExplainState, Progress
from edge.handoff import Published, RequestQueue, WaitingRoom

SHOWN = 4
"""How many of the requests that are over are told of; each holds its frame and its maps."""
WAIT_S = 0.1
HUNG_S = 20.0
"""So long after its deadline a request whose process says nothing is given up."""


@dataclass(frozen=True, slots=True)
class ExplainerSettings:
    """How the explainer works.

    Attributes:
        lime: On a cool and idle machine.
        seconds: For one request.
        cache_bytes: For finished results.
        limits: When the budget gives way.
    """

    lime: LimeSettings = field(default_factory=LimeSettings)
    seconds: float = 10.0
    cache_bytes: int = 16_000_000
    limits: Limits = field(default_factory=Limits)


class Explains(Protocol):
    """What the pipeline needs of an explainer."""

    def offer(
        self, prediction: Prediction, labels: Sequence[Label], hires: Explanation | None = None
    ) -> int: ...
    def pin(
        self, prediction: Prediction, labels: Sequence[Label], hires: Explanation | None = None
    ) -> int | None: ...
    def cancel(self, number: int) -> None: ...
    def current(self) -> tuple[Progress, ...]: ...


class Explainer:
    """Runs LIME in a process of its own and tells how far it is.

    `offer` and `pin` are for one thread, `cancel` and `current` for any; none of them waits.
    `step` and `close` are for the thread that does the work.

    Args:
        bundle: A verified bundle.
        settings: How.
        strain: How the machine is doing.
        clock: Seconds, monotonic.
        process: Runs the jobs; its own child if None.
    """

    def __init__(
        self,
        bundle: Bundle,
        settings: ExplainerSettings | None = None,
        strain: Callable[[], Strain] = read_strain,
        clock: Callable[[], float] = time.monotonic,
        process: LimeProcess | None = None,
    ) -> None:
        self._bundle, self._settings = bundle, settings or ExplainerSettings()
        self._strain, self._clock = strain, clock
        self.process = process or LimeProcess(bundle.folder, bundle.sha256)
        self._cache = LimeCache(self._settings.cache_bytes)
        self._room: WaitingRoom[ExplainRequest] = WaitingRoom()
        self._gone: RequestQueue[Progress] = RequestQueue(SHOWN)
        self._unwanted: RequestQueue[int] = RequestQueue()
        self._told: Published[tuple[Progress, ...]] = Published(())
        self._over: deque[Progress] = deque(maxlen=SHOWN)
        self._running: _Running | None = None
        self._number = 0
        self.superseded = 0

    def offer(
        self, prediction: Prediction, labels: Sequence[Label], hires: Explanation | None = None
    ) -> int:
        """Explain this when there is time, unless something newer comes first; its number."""
        request = self._request(prediction, labels, hires, pinned=False)
        gone = self._room.put(request)
        if gone is not None:
            self.superseded += 1
            self._gone.put(Progress(gone, ExplainState.SUPERSEDED))
        return request.number

    def pin(
        self, prediction: Prediction, labels: Sequence[Label], hires: Explanation | None = None
    ) -> int | None:
        """Explain this whatever comes; its number, None where too many such wait already."""
        request = self._request(prediction, labels, hires, pinned=True)
        if self._room.pin(request):
            return request.number
        why = "too many requests wait already; cancel one, or ask again in a while"
        self._gone.put(Progress(request, ExplainState.FAILED, problem=why))
        return None

    def cancel(self, number: int) -> None:
        """End a request: one that waits is taken out, the running one ends after its batch."""
        self._unwanted.put(number)
        running = self._running
        if running is not None and running.request.number == number:
            self.process.cancel(number)

    def current(self) -> tuple[Progress, ...]:
        """What waits, what runs and the last that are over, newest first."""
        return self._told.current()

    def step(self, wait_s: float = WAIT_S) -> None:
        """Go on with what runs, or begin what waits; returns within about `wait_s`."""
        self._attend()
        if self._running is None:
            request = self._room.take(wait_s)
            if request is not None:
                self._begin(request)
        else:
            self._listen(self._running, wait_s)
        self._tell()

    def close(self) -> None:
        """Cancel everything and end the process. Safe to call twice."""
        for request in self._room.close():
            self._over.appendleft(Progress(request, ExplainState.CANCELLED))
        if self._running is not None:
            self._end(replace(self._running.progress, state=ExplainState.CANCELLED))
        self.process.close()
        self._tell()

    def _request(
        self,
        prediction: Prediction,
        labels: Sequence[Label],
        hires: Explanation | None,
        pinned: bool,
    ) -> ExplainRequest:
        if not labels:
            raise ValueError("found no labels to explain; name at least one")
        self._number += 1
        return ExplainRequest(self._number, prediction, tuple(labels), hires, pinned)

    def _attend(self) -> None:
        for progress in self._gone.take_all():
            self._over.appendleft(progress)
        for number in self._unwanted.take_all():
            self._drop(number)

    def _drop(self, number: int) -> None:
        for request in self._room.remove(lambda waiting: waiting.number == number):
            self._over.appendleft(Progress(request, ExplainState.CANCELLED))
        if self._running is not None and self._running.request.number == number:
            self.process.cancel(number)

    def _begin(self, request: ExplainRequest) -> None:
        settings = self._settings.lime
        samples = budget(settings.samples, self._strain(), self._settings.limits)
        lowered = replace(settings, samples=samples)
        # On a hot machine, too, the full answer is best where it is known.
        known = self._known(request, settings) or self._known(request, lowered)
        if known is not None:
            self._end(self._found(request, known))
            return
        wanted = tuple(label.index for label in request.labels)
        picture = request.prediction.model_input
        job = Job(request.number, picture, wanted, lowered, self._settings.seconds)
        # Before it is sent, so that a cancel from now on finds it.
        late_s = self._clock() + self._settings.seconds + HUNG_S
        self._running = _Running(
            Progress(request, ExplainState.QUEUED, budget=samples), lowered, late_s
        )
        try:
            self.process.send(job)
        except ProcessDied as error:
            self._fail(f"the explainer's process ended ({error})")

    def _known(self, request: ExplainRequest, settings: LimeSettings) -> LimeResult | None:
        found = self._cache.get(self._key(request, settings))
        if found is None or found.ended != "stable" or not found.samples:
            return found
        # It may have ended early for other labels, before these were steady.
        asked = [label.index for label in request.labels]
        return found if (found.stability[asked] >= settings.stable_at).all() else None

    def _key(self, request: ExplainRequest, settings: LimeSettings) -> str:
        return key_of(request.prediction.model_input, self._bundle.sha256, settings)

    def _listen(self, running: "_Running", wait_s: float) -> None:
        try:
            message = self.process.receive(wait_s)
        except ProcessDied as error:
            self._fail(f"the explainer's process ended ({error})")
            return
        if message is not None:
            self._hear(running, message)
        elif self._clock() >= running.late_s:
            self.process.close()
            self._fail(f"the explainer said nothing for {HUNG_S:.0f} s after its deadline")

    def _hear(self, running: "_Running", message: Message) -> None:
        match message:
            case Begun():
                self._running = running.now(state=ExplainState.SEGMENTING)
            case Failed(_, problem):
                self._end(replace(running.progress, state=ExplainState.FAILED, problem=problem))
            case Found(_, result) if result.ended == "interim":
                self._running = replace(running, progress=self._found(running.request, result))
            case Found(_, result):
                if result.ended in ("budget", "stable"):
                    self._cache.put(self._key(running.request, running.settings), result)
                self._end(self._found(running.request, result))

    def _found(self, request: ExplainRequest, result: LimeResult) -> Progress:
        explained = explanation(request.prediction, request.labels, result)
        states = {"interim": ExplainState.SAMPLING, "cancelled": ExplainState.CANCELLED}
        state = states.get(result.ended, ExplainState.DONE)
        agreements = _agreements(request, result) if state is ExplainState.DONE else ()
        full = self._settings.lime.samples
        return Progress(
            request,
            state,
            result.samples,
            result.budget,
            full if result.budget < full else None,
            explained,
            agreements,
        )

    def _fail(self, why: str) -> None:
        if self._running is not None:
            problem = f"{why}; the next request starts it again"
            failed = replace(self._running.progress, state=ExplainState.FAILED, problem=problem)
            self._end(failed)

    def _end(self, progress: Progress) -> None:
        self._running = None
        self._over.appendleft(progress)

    def _tell(self) -> None:
        waiting = [Progress(r, ExplainState.QUEUED) for r in self._room.waiting()]
        running = [self._running.progress] if self._running is not None else []
        told = (*waiting, *running, *self._over)
        if [_mark(one) for one in told] != [_mark(one) for one in self._told.current()]:
            self._told.replace(told)


@dataclass(frozen=True, slots=True, eq=False)
class _Running:
    """What the process is busy with.

    Attributes:
        progress: How far it is.
        settings: With the budget that it was given.
        late_s: On the clock, when it is given up.
    """

    progress: Progress
    settings: LimeSettings
    late_s: float

    @property
    def request(self) -> ExplainRequest:
        return self.progress.request

    def now(self, state: ExplainState) -> "_Running":
        """The same in another state."""
        return replace(self, progress=replace(self.progress, state=state))


def _agreements(request: ExplainRequest, result: LimeResult) -> tuple[Agreement, ...]:
    if request.hires is None:
        return ()
    return tuple(
        agreement(heat, result.coefficients[label.index], result.segments)
        for label, heat in zip(request.labels, request.hires.maps, strict=True)
    )


def _mark(progress: Progress) -> tuple[int, ExplainState, int]:
    return progress.request.number, progress.state, progress.samples
