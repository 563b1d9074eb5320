"""What a browser has to load, and how soon it shows what the camera saw."""

import tempfile
from pathlib import Path

import numpy as np

from tests.bench.table import Reach, Row
from tests.prove.context import Proof
from tests.prove.dashboard.chromium import Tab, opened
from tests.prove.dashboard.device import Device, running

KB = 1024
FRAMES, QUICK_FRAMES = 300, 10
PAGES = ("/", "/items", "/bins", "/machine", "/model", "/study", "/health")

_WATCH = """
const done = arguments[arguments.length - 1];
const count = arguments[0];
const image = document.getElementById("live-image");
const shown = [];
image.addEventListener("load", () => requestAnimationFrame(() => setTimeout(() => {
  // After the frame in which it was painted.
  const sequence = Number(document.getElementById("live-picture").dataset.sequence);
  shown.push([sequence, Date.now() / 1000]);
  if (shown.length === count) done(shown);
})));
"""


def weight_rows(proof: Proof) -> list[Row]:
    """The bytes of the first load of each page, nothing cached, pictures left out."""
    rows = []
    with (
        tempfile.TemporaryDirectory() as profile,
        running(proof.folder) as device,
        opened(Path(profile), device) as tab,
    ):
        for path in PAGES[:1] if proof.quick else PAGES:
            tab.forget()
            loaded = _weigh(tab, device, path)
            name = "live" if path == "/" else path.strip("/")
            parts = ", ".join(f"{kind} {size / KB:.0f}" for kind, size in loaded.items())
            total = sum(loaded.values()) / KB
            reach = Reach("at most", 150, " KB")
            rows.append(Row(f"first load of {name}", reach, total, parts, 1))
    return rows


def delay_rows(proof: Proof) -> list[Row]:
    """Captured until painted: the demo at 10 frames a second, its live page open."""
    count = proof.amount(FRAMES, QUICK_FRAMES)
    with tempfile.TemporaryDirectory() as profile, running(proof.folder) as device:
        with opened(Path(profile), device) as tab:
            tab.go("/")
            tab.wait("document.getElementById('live-picture').dataset.state === 'live'")
            shown = tab.ask_later(_WATCH, count)
        captured = device.seen().captured_at_s
    late_ms = [
        1e3 * (at_s - captured[sequence]) for sequence, at_s in shown if sequence in captured
    ]
    note = f"{len(late_ms)} pictures; median {np.median(late_ms):.0f}, at most {max(late_ms):.0f}"
    p95 = float(np.percentile(late_ms, 95))
    return [Row("camera to screen, p95", Reach("at most", 400, " ms"), p95, note, 0)]


def _weigh(tab: Tab, device: Device, path: str) -> dict[str, int]:
    """Bytes of each kind that one page loads, bodies and headers as sent."""
    tab.go(path)
    tab.wait("document.readyState === 'complete'")
    tab.wait("performance.getEntriesByType('resource').length > 2")
    sizes: dict[str, int] = {}
    for url, kind in tab.loaded():
        if kind in ("Image", "Fetch", "XHR") or not url.startswith(device.address):
            continue
        sizes[kind.lower()] = sizes.get(kind.lower(), 0) + tab.size_of(url)
    return sizes
