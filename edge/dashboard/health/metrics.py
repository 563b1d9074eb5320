"""What Prometheus scrapes: the board and the machine at that moment, nothing is counted here."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    StateSetMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from edge.balance import Outcome
from edge.board import Snapshot
from edge.health.vitals import Vitals
from sorter_firmware_bridge.bins import Condition

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GONE = "gone"
"""The state of a machine that does not answer, or of none."""


def scraped(snapshot: Snapshot, vitals: Vitals, now_s: float) -> bytes:
    """One scrape, in Prometheus' text format 0.0.4.

    Args:
        snapshot: From the board.
        vitals: Of the machine.
        now_s: `time.monotonic()`.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Moment(snapshot, vitals, now_s))
    return generate_latest(registry)


class _Moment(Collector):
    def __init__(self, snapshot: Snapshot, vitals: Vitals, now_s: float) -> None:
        self._snapshot, self._vitals, self._now_s = snapshot, vitals, now_s

    def collect(self) -> Iterator[Metric]:
        yield from _frames(self._snapshot, self._now_s)
        yield from _items(self._snapshot)
        yield from _machine(self._snapshot)
        yield from _vitals(self._vitals)


def _frames(snapshot: Snapshot, now_s: float) -> Iterator[Metric]:
    about = snapshot.about
    model = {"bundle": about.bundle_name, "sha256": about.model_sha256, "mode": about.mode}
    yield InfoMetricFamily("bricksight_model", "The model that labels.", model)
    yield _count("frames", "Frames that were labelled.", snapshot.frames_seen)
    yield _count(
        "frames_replaced", "Frames that a newer one replaced unseen.", snapshot.frames_replaced
    )
    if snapshot.timings.fps is not None:
        yield _gauge("frames_per_second", "Over the last ten seconds.", snapshot.timings.fps)
    if snapshot.prediction is not None:
        age_s = max(0.0, now_s - snapshot.prediction.frame.captured_at_s)
        yield _gauge("frame_age_seconds", "Since the newest frame was captured.", age_s)
    yield _gauge("camera_live", "Whether frames come.", float(snapshot.camera_state == "live"))
    yield _gauge("pipeline_up", "Whether the pipeline runs.", float(snapshot.problem is None))
    stages = GaugeMetricFamily(
        "bricksight_stage_seconds",
        "How long each step of a frame took lately.",
        labels=("stage", "quantile"),
    )
    for name, spread in snapshot.timings.stages.items():
        stages.add_metric((name, "0.5"), spread.p50 / 1e3)
        stages.add_metric((name, "0.95"), spread.p95 / 1e3)
    yield stages
    waiting = sum(not progress.state.over for progress in snapshot.lime)
    yield _gauge("lime_waiting", "LIME that waits or is being made.", waiting)


def _items(snapshot: Snapshot) -> Iterator[Metric]:
    yield _count("items", "Items in the journal.", snapshot.balance.seen)
    # Of what is still under way the count falls again: no counter.
    outcomes = GaugeMetricFamily(
        "bricksight_items_by_outcome", "What became of the items.", labels=("outcome",)
    )
    for outcome in Outcome:
        outcomes.add_metric((str(outcome),), snapshot.balance.count(outcome))
    yield outcomes
    contents = GaugeMetricFamily(
        "bricksight_bin_items", "Items in a bin since it was emptied.", labels=("bin", "name")
    )
    for bin_, _ in snapshot.about.bins:
        items = snapshot.line.contents.get(bin_.number, 0)
        contents.add_metric((str(bin_.number), bin_.name), items)
    yield contents


def _machine(snapshot: Snapshot) -> Iterator[Metric]:
    state = snapshot.machine
    conditions = {str(condition): False for condition in Condition} | {GONE: False}
    conditions[str(state.condition) if state else GONE] = True
    yield StateSetMetricFamily(
        "bricksight_machine_condition", "What the machine says it is.", conditions
    )
    if state is not None:
        yield _gauge("machine_queued", "Commands that wait in the machine.", state.queued)


def _vitals(vitals: Vitals) -> Iterator[Metric]:
    heat = GaugeMetricFamily(
        "bricksight_temperature_celsius", "Of each sensor of the machine.", labels=("sensor",)
    )
    for name, celsius in vitals.celsius.items():
        heat.add_metric((name,), celsius)
    yield heat
    if vitals.throttle is not None:
        throttle = GaugeMetricFamily(
            "bricksight_throttled", "What the board says of its power.", labels=("reason", "when")
        )
        for when, reasons in (
            ("now", vitals.throttle.now),
            ("occurred", vitals.throttle.occurred),
        ):
            for reason in reasons:
                throttle.add_metric((reason, when), 1)
        yield throttle
    yield _gauge("load1", "Processes that run or want to.", vitals.load)
    if vitals.memory is not None:
        yield _gauge("memory_resident_bytes", "Of the app's main process.", vitals.memory.own)
        available = vitals.memory.available
        yield _gauge("memory_available_bytes", "Of the whole machine.", available)
    if vitals.disk is not None:
        yield _gauge("disk_free_bytes", "Where the journal is.", vitals.disk.free)
        yield _gauge("journal_bytes", "The journal itself.", vitals.disk.journal)
        yield _gauge("pictures_bytes", "Kept pictures of items.", vitals.disk.pictures)
    if vitals.clock_synchronised is not None:
        synchronised = float(vitals.clock_synchronised)
        yield _gauge("clock_synchronised", "Whether it follows a time server.", synchronised)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"bricksight_{name}", help_text, value)


def _count(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"bricksight_{name}", help_text, value)
