"""How many of what lie in each bin."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from edge.errors import ConfigError
from edge.journal_reader import JournalReader, Lying
from sorter_firmware_bridge.bins import Bin, ReceiptState

SURE = (ReceiptState.FIRED, ReceiptState.CONFIRMED)
"""What is surely there."""
MAY_BE = (ReceiptState.ACCEPTED, ReceiptState.UNKNOWN)
"""What may be there."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Bricks of one type in one bin.

    Attributes:
        label_id: The LDraw id; None where no brick type was recognised.
        name: What a person calls it.
        quantity: How many, 1 or more.
    """

    label_id: str | None
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class BinContents:
    """What lies in one bin since it was emptied.

    Attributes:
        bin: The bin.
        lots: What lies there, by id; what was not recognised last.
        pruned: Items there besides, of which the journal does not know any more what they are.
    """

    bin: Bin
    lots: tuple[Lot, ...]
    pruned: int = 0

    @property
    def recognised(self) -> tuple[Lot, ...]:
        """The lots whose brick type is known."""
        return tuple(lot for lot in self.lots if lot.label_id is not None)

    @property
    def nameless(self) -> int:
        """How many bricks are there without a type."""
        return sum(lot.quantity for lot in self.lots if lot.label_id is None)


def bins_of(reader: JournalReader, with_unknown: bool = False) -> tuple[BinContents, ...]:
    """What lies in each bin; one that was renamed goes by its last name.

    Args:
        reader: Of the journal.
        with_unknown: Whether what was sent and never answered counts, too.
    """
    counts = (*SURE, *MAY_BE) if with_unknown else SURE
    names = {label.id: label.name for labels in reader.labels.values() for label in labels}
    lying, pruned = reader.lying(), reader.pruned_in_bins()
    called = reader.last_names()
    return tuple(
        BinContents(
            Bin(number, called.get(number, f"bin {number}")),
            _lots((e for e in lying if e.bin.number == number), names, counts),
            pruned.get(number, 0),
        )
        for number in sorted({entry.bin.number for entry in lying} | set(pruned))
    )


def chosen(bins: Iterable[BinContents], named: str) -> BinContents:
    """The bin of that name or number.

    Raises:
        ConfigError: There is none.
    """
    there = list(bins)
    for contents in there:
        if named in (contents.bin.name, str(contents.bin.number)):
            return contents
    listed = ", ".join(str(contents.bin) for contents in there) or "none"
    raise ConfigError(f"--bin {named}: nothing was ever sent to such a bin; there are {listed}")


def _lots(
    lying: Iterable[Lying], names: dict[str, str], states: Collection[str]
) -> tuple[Lot, ...]:
    quantities: Counter[str | None] = Counter()
    for entry in lying:
        quantities[entry.label_id] += sum(entry.states.get(state, 0) for state in states)
    lots = [
        Lot(label_id, names.get(label_id, "") if label_id else "no one brick type", quantity)
        for label_id, quantity in quantities.items()
        if quantity
    ]
    return tuple(sorted(lots, key=lambda lot: (lot.label_id is None, lot.label_id or "")))
