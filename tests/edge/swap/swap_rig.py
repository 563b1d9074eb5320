"""A device with staged models, for the tests of swaps."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bundle_copies import copy_bundle, edit_manifest

from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.tokens import Tokens
from edge.config import read_config
from edge.manifest import read_manifest
from edge.swap import settings
from edge.swap.places import Places
from edge.swap.standing import Entry, Record, Standing
from edge.swap.swapper import Swapper

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "edge" / "demo"
CALL = "import sys; from edge.cli import main; sys.argv[0] = 'bricksight-edge'; main()"
WAIT_S = 60


def device(folder: Path, *staged: str, port: int = 0) -> Path:
    """The demo's edge.toml, by default on any free port, beside models of these names; its path."""
    changes = {
        "source": f'source = "{DEMO / "pile.mp4"}"',
        "port": f"port = {port}",
        "path": 'path = "journal.sqlite"',
    }
    text = (DEMO / "edge.toml").read_text(encoding="utf-8")
    lines = [changes.get(line.partition(" ")[0], line) for line in text.splitlines()]
    path = folder / "edge.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    for name in staged:
        stage(folder, name)
    return path


def stage(folder: Path, name: str) -> Path:
    """A model like the shipped one under a name of its own."""
    bundle = copy_bundle(folder / "models" / name)
    edit_manifest(bundle, lambda values: values.update(name=name))
    return bundle


def damage(bundle: Path) -> None:
    """Turn around one bit of the classifier, as a bad disk does."""
    path = bundle / "classifier.int8.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def swapper_of(config: Path) -> Swapper:
    return Swapper(places_of(config), clock=lambda: 1000.0)


def places_of(config: Path) -> Places:
    return settings.places_of(read_config(config))


def record_of(config: Path) -> Record:
    places = places_of(config)
    return Record(places.record, places.names)


def standing_of(config: Path) -> Standing:
    return record_of(config).read()


def make_live(config: Path, name: str) -> None:
    """As a swap does, without the seconds it takes to try the model."""
    seal = read_manifest(places_of(config).folder(name)).seal
    entry = Entry(id=name, name=name, seal=seal)
    record_of(config).change(lambda now: now.swapped(entry, "ada", 1000.0))


# --- the device as it runs ---


class Device:
    """`bricksight-edge run` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], token: str) -> None:
        self.process = process
        self._token = token
        self.said: list[str] = []
        self.address = ""

    def come_up(self) -> None:
        """Wait until it says where it is; what it said before is in `said`."""
        assert self.process.stdout is not None
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("Bricksight is at "):
                self.address = line.split()[3]
                return
        pytest.fail(f"it ended: {self.said}")

    def ask(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """What it answers."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}{path}", content)
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def kill(self) -> None:
        """End it as the kernel does."""
        self.process.kill()
        self.process.wait(WAIT_S)

    def end(self) -> str:
        """End it as systemd does; what it said since."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=WAIT_S)
        return said


@contextmanager
def running(config: Path) -> Iterator[Device]:
    """Run it until the end of the block."""
    with AccessStore(access_path(places_of(config).record.parent / "journal.sqlite")) as store:
        token = Tokens(store).add(f"t{time.monotonic_ns()}", Role.ADMIN)
    with subprocess.Popen(
        [sys.executable, "-c", CALL, "run", "--config", str(config)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        begun = Device(process, token)
        try:
            begun.come_up()
            yield begun
        finally:
            process.kill()
