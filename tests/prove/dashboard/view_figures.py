"""Twenty viewers, one of them stalled: who waits for whom."""

import threading

import numpy as np

from tests.bench.table import Reach, Row
from tests.prove.context import Proof
from tests.prove.dashboard.device import running
from tests.prove.dashboard.viewers import look

VIEWERS = 20
SECONDS, QUICK_SECONDS = 60, 3
SETTLE_S = 2.0


def viewer_rows(proof: Proof) -> list[Row]:
    """/livez, frame ages and labelling with twenty viewers; labelling without any, before and
    after."""
    seconds = proof.amount(SECONDS, QUICK_SECONDS)
    with running(proof.folder) as device:

        def alone() -> tuple[float, ...]:
            threading.Event().wait(SETTLE_S)
            device.begin()
            threading.Event().wait(seconds / 2)
            return device.seen().label_ms

        before = alone()
        device.begin()
        looked = look(device.port, device.token, VIEWERS, seconds)
        with_viewers = device.seen().label_ms
        without = before + alone()
    p95 = {
        name: float(np.percentile(ms, 95))
        for name, ms in (("with", with_viewers), ("without", without))
    }
    ages, live = looked.ages_ms, looked.live_ms
    return [
        Row(
            f"/livez, {VIEWERS} viewers, one stalled: p99",
            Reach("at most", 100, " ms"),
            float(np.percentile(live, 99)),
            f"{len(live)} asked in {seconds} s, at most {max(live):.0f} ms",
            1,
        ),
        Row(
            "age of the frame the others see: largest",
            Reach("at most", 1000, " ms"),
            max(ages),
            f"median {np.median(ages):.0f}, p99 {np.percentile(ages, 99):.0f} ms;"
            f" {looked.frames} pictures, {looked.failed} requests failed",
            0,
        ),
        Row(
            "labelling p95, with viewers against without",
            Reach("at most", 1.15, "x"),
            p95["with"] / p95["without"],
            f"{p95['with']:.2f} against {p95['without']:.2f} ms;"
            f" {len(with_viewers)} and {len(without)} frames",
        ),
        Row("requests of the others that failed", Reach("at most", 0), looked.failed, "", 0),
    ]
