"""Timings and vitals as JSON."""

from edge.board import Snapshot
from edge.dashboard.values import Json, age_ms, number, printable
from edge.health.vitals import Vitals


def health_of(snapshot: Snapshot, vitals: Vitals, now_s: float) -> Json:
    """How the device does, for its page.

    Args:
        snapshot: From the board.
        vitals: Of the machine.
        now_s: `time.monotonic()`.
    """
    prediction = snapshot.prediction
    return {
        "fps": number(snapshot.timings.fps, 2),
        "frames_seen": snapshot.frames_seen,
        "frames_replaced": snapshot.frames_replaced,
        "frame_age_ms": age_ms(prediction.frame.captured_at_s, now_s) if prediction else None,
        "stages": {
            name: {
                "p50": number(spread.p50, 2),
                "p95": number(spread.p95, 2),
                "largest": number(spread.largest, 2),
                "count": spread.count,
            }
            for name, spread in snapshot.timings.stages.items()
        },
        "camera": {
            "state": snapshot.camera_state,
            "problem": printable(snapshot.camera_problem),
        },
        "lime": _lime(snapshot),
        "machine": _machine(vitals),
    }


def _lime(snapshot: Snapshot) -> Json:
    done = next((p for p in snapshot.lime if p.explanation is not None and p.state.over), None)
    took = done.explanation.details.get("milliseconds") if done and done.explanation else None
    return {
        "waiting": sum(not progress.state.over for progress in snapshot.lime),
        "last_ms": number(took, 0),
        "last_samples": done.samples if done else None,
    }


def _machine(vitals: Vitals) -> Json:
    throttle, memory, disk = vitals.throttle, vitals.memory, vitals.disk
    return {
        "celsius": {str(printable(name)): number(c, 1) for name, c in vitals.celsius.items()},
        "throttle": throttle and {"now": throttle.now, "occurred": throttle.occurred},
        "load": number(vitals.load, 2),
        "cores": vitals.cores,
        "memory": memory
        and {"total": memory.total, "available": memory.available, "own": memory.own},
        "disk": disk
        and {
            "total": disk.total,
            "free": disk.free,
            "journal": disk.journal,
            "pictures": disk.pictures,
        },
        "clock_synchronised": vitals.clock_synchronised,
        "uptime_s": number(vitals.uptime_s, 0),
    }
