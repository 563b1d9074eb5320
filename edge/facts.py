"""What is so at the moment of a decision, beyond the item."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.belt import BeltReading
from edge.domain import Label
from sorter_firmware_bridge.bins import Bin, MachineState


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so at the moment of a decision, beyond the item.

    Attributes:
        machine: What the machine says of itself; None where there is none.
        bins: The bins the machine declared.
        labels: All labels of the model, in the order of its output.
        model_sha256: The model that made the predictions.
        thresholds: Of the labels, from the bundle; none given makes every absent label a doubt, and
            `NOT_REPORTED` that one.
        contents: Items that may be in a bin, by its number, those on their way included.
        delivered: Items that may be in a bin for the wanted list, by label id and bin number.
        belt: What the encoder says; None where there is none.
        hold: Why nothing more may be sent to the machine for now; empty where it may.
        by_hand: Who moves the machine by hand, so that nothing is sorted; empty where nobody does.
    """

    machine: MachineState | None
    bins: tuple[Bin, ...]
    labels: tuple[Label, ...]
    model_sha256: str
    thresholds: tuple[float, ...] = ()
    contents: Mapping[int, int] = field(default_factory=dict)
    delivered: Mapping[tuple[str, int], int] = field(default_factory=dict)
    belt: BeltReading | None = None
    hold: str = ""
    by_hand: str = ""
