"""Kills the running core of the app at random moments, and looks what its journal says."""

import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.board import About, Board, Requests, Snapshot
from edge.bundle import read_bundle
from edge.classifier import Classifier
from edge.config import SHIPPED_BUNDLE
from edge.decision import Mode, Policy
from edge.domain import Frame
from edge.explain.gradcam import GradCam
from edge.handoff import LatestSlot
from edge.items import ItemAssembler, ItemSettings, Trigger
from edge.journal import Journal, JournalSettings
from edge.journal_reader import JournalReader
from edge.machine import Machine
from edge.pipeline import LimeOf, Parts, Pipeline
from sorter_firmware_bridge.bins import Bin, Command, Receipt
from sorter_firmware_bridge.drivers.simulated import SimulatedDriver
from tests.bench.needs import CannotMeasure
from tests.bench.subject import ROOT
from tests.bench.table import Reach, Row, exit_code
from tests.prove.context import Proof
from tests.prove.measuring import Figure

BINS = (Bin(1, "bricks"), Bin(2, "rest"), Bin(3, "review"))
READY = "ready"
START_S = 2.0
"""A kill while it starts comes within this time."""
LIFE_S = 0.8
"""A kill while it works comes within this time."""
SIDE_PX = 96


@dataclass(frozen=True, slots=True)
class Killed:
    """What was found after the last kill.

    Attributes:
        kills: How many there were.
        items: Items in the journal.
        commands: Commands that were sent.
        unknown: Of which the result was not known when it was killed.
        problems: What is wrong, for a person; empty where every promise holds.
    """

    kills: int
    items: int
    commands: int
    unknown: int
    problems: tuple[str, ...]


def figure(kills: int = 50, quick: bool = False) -> Figure:
    """The figure for a table of promises.

    Args:
        kills: How often it is killed.
        quick: Five times only.
    """

    def take(proof: Proof) -> list[Row]:
        with tempfile.TemporaryDirectory(prefix="bricksight-killing-") as folder:
            return [row_of(kill(Path(folder), proof.amount(5 if quick else kills, 5)))]

    return Figure(take)


def row_of(found: Killed) -> Row:
    """What was promised beside what was found."""
    note = (
        f"{found.kills} kills, {found.items} items, {found.commands} commands, {found.unknown} of"
        f" them unknown{'; ' if found.problems else ''}{'; '.join(found.problems[:3])}"
    )
    name = "kill -9 at random moments: items twice or lost, balances off"
    return Row(name, Reach("at most", 0), float(len(found.problems)), note, 0)


def kill(home: Path, kills: int, seed: int = 0, max_rows: int = 100_000) -> Killed:
    """Start the core again and again on one journal, and kill it each time.

    Args:
        home: An empty folder.
        kills: How often.
        seed: Of the moments.
        max_rows: Items that the journal keeps.

    Raises:
        CannotMeasure: It ended by itself.
    """
    moments = random.Random(seed)
    for number in range(kills):
        _one_life(home, moments, while_starting=number % 4 == 3, max_rows=max_rows)
    with Journal(JournalSettings(home / "journal.sqlite", max_rows), time.time()):
        return _found(home, kills)


def _one_life(home: Path, moments: random.Random, while_starting: bool, max_rows: int) -> None:
    command = [sys.executable, "-m", "tests.prove.killing", str(home), str(max_rows)]
    with (
        (home / "errors").open("ab") as errors,
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as child,
    ):
        assert child.stdout is not None
        try:
            if not while_starting and child.stdout.readline().strip() != READY:
                raise CannotMeasure(f"it did not start: {(home / 'errors').read_text()[-2000:]}")
            child.wait(moments.uniform(0, START_S if while_starting else LIFE_S))
        except subprocess.TimeoutExpired:
            child.kill()
            return
        finally:
            child.kill()
    raise CannotMeasure(f"it ended by itself: {(home / 'errors').read_text()[-2000:]}")


def _found(home: Path, kills: int) -> Killed:
    told = _told(home)
    sent, moved = told["sent"], told["moved"]
    with JournalReader(home / "journal.sqlite") as reader:
        balance = reader.balance()
        problems = [*_wrong_in(home / "journal.sqlite", balance.seen, sent, moved)]
        verified = reader.verify().problem
    problems += [verified] if verified else []
    problems += [] if balance.reconciles else [f"the balance is off: {balance.sentence}"]
    problems += [f"{balance.pending} are still under way"] if balance.pending else []
    return Killed(kills, balance.seen, len(sent), balance.unknown, tuple(problems))


def _wrong_in(path: Path, seen: int, sent: Counter[int], moved: Counter[int]) -> Iterator[str]:
    yield from (f"command {id_} was sent {n} times" for id_, n in sent.items() if n > 1)
    yield from (f"command {id_} moved {n} times" for id_, n in moved.items() if n > 1)
    yield from (f"command {id_} moved and was never sent" for id_ in moved.keys() - sent.keys())
    with closing(sqlite3.connect(path)) as db:
        last = dict(db.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        pruned = db.execute("SELECT coalesce(sum(items), 0) FROM pruned").fetchone()[0]
        items = {row[0] for row in db.execute("SELECT id FROM items")}
        intents = {row[0] for row in db.execute("SELECT command_id FROM intents")}
        fired = {
            row[0]
            for row in db.execute(
                "SELECT command_id FROM receipts WHERE state IN ('fired', 'confirmed')"
            )
        }
    if len(items) + pruned != last.get("items", 0) or seen != last.get("items", 0):
        yield f"{last.get('items', 0)} items were written, {seen} are accounted for"
    oldest = min(intents, default=0)
    gone = [id_ for id_ in sent if id_ >= oldest and id_ not in intents]
    yield from (f"command {id_} was sent without an intent" for id_ in gone if not pruned)
    if max(sent, default=0) > last.get("intents", 0):
        yield f"command {max(sent)} was sent, the last intent is {last.get('intents', 0)}"
    yield from (f"command {id_} has fired and was never sent" for id_ in fired - sent.keys())


def _told(home: Path) -> dict[str, Counter[int]]:
    """What the lives wrote down of what they did, whole lines only."""
    found: dict[str, Counter[int]] = {"sent": Counter(), "moved": Counter()}
    notes = home / "notes"
    for line in notes.read_text().splitlines() if notes.exists() else []:
        what, _, id_ = line.partition(" ")
        found[what][int(id_)] += 1
    return found


# --- the life of the core, in a process of its own ---


class NotedDriver(SimulatedDriver):
    """A simulated machine; what it is sent and what moves is on the disk in one write."""

    notes: int
    _noted = 0

    def move_to(self, command: Command) -> Receipt:
        os.write(self.notes, f"sent {command.id}\n".encode())
        return super().move_to(command)

    def receipts(self) -> tuple[Receipt, ...]:
        found = super().receipts()
        for pulse in self.pulses[self._noted :]:
            os.write(self.notes, f"moved {pulse.command_id}\n".encode())
            self._noted += 1
        return found


def live(home: Path, max_rows: int) -> None:
    """Sort items until killed."""
    pipeline, frames = _core(home, max_rows)
    greys = np.random.default_rng()
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    for sequence in range(10**9):
        if sequence % 3 == 0:
            grey = int(greys.integers(0, 256))
        image = np.full((SIDE_PX, SIDE_PX, 3), grey, np.uint8)
        frames.put(Frame(sequence, time.monotonic(), image))
        pipeline.step(0)


def _core(home: Path, max_rows: int) -> tuple[Pipeline, LatestSlot[Frame]]:
    bundle = read_bundle(SHIPPED_BUNDLE)
    frames: LatestSlot[Frame] = LatestSlot()
    about = About("starter", bundle.sha256, bundle.labels, (), "single", "simulated", "test")
    policy = Policy(
        Mode.SINGLE,
        BINS,
        unknown_bin="rest",
        review_bin="review",
        overflow_bin="bricks",
        travel_s=0.15,
        max_age_s=5,
        tolerance_s=1,
    )
    parts = Parts(
        frames=frames,
        classifier=Classifier(bundle),
        gradcam=GradCam(bundle),
        items=ItemAssembler(ItemSettings(Trigger.STILL, k=1, n=1, patience_frames=3)),
        policy=policy,
        machine=Machine(lambda: _driver(home), arm_at_start=True),
        journal=Journal(JournalSettings(home / "journal.sqlite", max_rows), time.time()),
        board=Board(Snapshot(0, about)),
        requests=Requests(),
        lime_of=LimeOf.ASKED,
    )
    return Pipeline(parts), frames


def _driver(home: Path) -> NotedDriver:
    driver = NotedDriver(BINS)
    driver.notes = os.open(home / "notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    return driver


def main(kills: int = 50) -> int:
    """Measure and print one row; the exit code."""
    from rich.console import Console

    from tests.bench.table import show

    with tempfile.TemporaryDirectory(prefix="bricksight-killing-") as folder:
        rows = [row_of(kill(Path(folder), kills))]
    show(rows, Console(width=140), "what a kill leaves behind")
    return exit_code(rows)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        live(Path(sys.argv[1]), int(sys.argv[2]))
    sys.exit(main(*map(int, sys.argv[1:])))
