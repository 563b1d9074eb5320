"""What a decision rested on, as it is kept in the journal and read again."""

import json
import sqlite3
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.belt import BeltReading
from edge.decision import SortDecision
from edge.domain import Label
from edge.evidence import Evidence, Trigger
from edge.facts import Facts
from sorter_firmware_bridge.bins import Bin, Condition, MachineState

FLOAT32 = np.dtype("<f4")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What a decision rested on.

    Attributes:
        evidence: What was seen.
        facts: What was so then, what may have been in the bins included.
        decided_at_s: `time.monotonic()` of then.
    """

    evidence: Evidence
    facts: Facts
    decided_at_s: float


@dataclass(frozen=True, slots=True)
class Model:
    """A model that saw items.

    Attributes:
        sha256: Of its file.
        labels: What it knows.
        thresholds: Of each of them.
    """

    sha256: str
    labels: tuple[Label, ...]
    thresholds: tuple[float, ...]


def model_values(facts: Facts) -> dict[str, Any]:
    """The row of the model that saw an item."""
    return {
        "sha256": facts.model_sha256,
        "labels": json.dumps([[label.id, label.name] for label in facts.labels]),
        "thresholds": json.dumps(facts.thresholds),
    }


def evidence_values(
    item_id: int, decision: SortDecision, facts: Facts, model: Model
) -> dict[str, Any]:
    """The row of what a decision rested on.

    Args:
        item_id: Of the item.
        decision: On it.
        facts: What it rested on beside the item.
        model: As it is recorded, by whose thresholds those in force are told.
    """
    seen = decision.item.evidence
    return {
        "item_id": item_id,
        "decided_at_s": decision.decided_at_s,
        "started_at_s": seen.started_at_s,
        "newest_at_s": seen.newest_at_s,
        "begun_by": seen.trigger,
        "frames": seen.frames,
        "agreeing": seen.agreeing,
        "needed": seen.needed,
        "objects": seen.objects,
        "focus": seen.focus,
        "probabilities": seen.probabilities.astype(FLOAT32).tobytes(),
        "facts": zlib.compress(json.dumps(_facts_values(facts, model)).encode()),
    }


def model_of(row: sqlite3.Row) -> Model:
    """The model of a row of `models`."""
    named = json.loads(row["labels"])
    labels = tuple(Label(index, id_, name) for index, (id_, name) in enumerate(named))
    return Model(row["sha256"], labels, tuple(json.loads(row["thresholds"])))


def case_of(row: sqlite3.Row, model: Model) -> Case:
    """What a decision rested on.

    Args:
        row: Of `evidence`, with `label_ids` of its item.
        model: The model that saw it.

    Raises:
        ValueError: There is not one probability for each label.
    """
    by_id = {label.id: label for label in model.labels}
    probabilities = np.frombuffer(row["probabilities"], FLOAT32).astype(np.float32)
    if len(probabilities) != len(model.labels):
        raise ValueError(f"{len(probabilities)} probabilities, {len(model.labels)} labels")
    evidence = Evidence(
        labels=tuple(by_id[label_id] for label_id in json.loads(row["label_ids"])),
        probabilities=probabilities,
        frames=row["frames"],
        agreeing=row["agreeing"],
        needed=row["needed"],
        started_at_s=row["started_at_s"],
        newest_at_s=row["newest_at_s"],
        trigger=Trigger(row["begun_by"]),
        objects=row["objects"],
        focus=row["focus"],
    )
    return Case(evidence, _facts(row["facts"], model), row["decided_at_s"])


def _facts_values(facts: Facts, model: Model) -> dict[str, Any]:
    machine, belt = facts.machine, facts.belt
    values: dict[str, Any] = {
        "machine": machine and [machine.condition, machine.reason, machine.clock_s, machine.queued],
        "bins": [[bin_.number, bin_.name] for bin_ in facts.bins],
        "contents": [[number, items] for number, items in facts.contents.items() if items],
        "delivered": [
            [label_id, number, items] for (label_id, number), items in facts.delivered.items()
        ],
        "belt": belt and [belt.speed_mm_s, belt.moved_mm, belt.at_s, belt.problem],
        "hold": facts.hold,
    }
    # What is so on most devices takes no room in every row.
    if facts.by_hand:
        values["by_hand"] = facts.by_hand
    if facts.thresholds != model.thresholds:
        values["thresholds"] = facts.thresholds
    return values


def _facts(packed: bytes, model: Model) -> Facts:
    values = json.loads(zlib.decompress(packed))
    return Facts(
        machine=_machine(values["machine"]),
        bins=tuple(Bin(number, name) for number, name in values["bins"]),
        labels=model.labels,
        model_sha256=model.sha256,
        thresholds=tuple(values.get("thresholds", model.thresholds)),
        contents=dict(values["contents"]),
        delivered={(label_id, number): items for label_id, number, items in values["delivered"]},
        belt=BeltReading(*values["belt"]) if values["belt"] else None,
        hold=values["hold"],
        by_hand=values.get("by_hand", ""),
    )


def _machine(values: list[Any] | None) -> MachineState | None:
    if values is None:
        return None
    condition, reason, clock_s, queued = values
    return MachineState(Condition(condition), reason, clock_s, queued)
