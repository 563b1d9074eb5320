"""What was promised beside what was measured, and whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Reach:
    """What a figure has to be.

    Attributes:
        side: Whether the limit is the smallest or the largest value that is good enough.
        limit: The limit; a value on it is good enough.
        unit: Written behind both numbers, for example "x faster" or " s".
    """

    side: Literal["at least", "at most"]
    limit: float
    unit: str = ""

    def holds(self, measured: float) -> bool:
        """Whether a value is good enough; NaN never is."""
        return measured >= self.limit if self.side == "at least" else measured <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.side == 'at least' else '≤'} {self.limit:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        figure: What was measured.
        reach: What it has to be; None for a row that only informs.
        measured: The value; None where nothing was measured, and the note says why.
        note: Said behind the value: times, counts, where it comes from.
        decimals: With which it is shown; it is judged unrounded.
    """

    figure: str
    reach: Reach | None
    measured: float | None
    note: str = ""
    decimals: int = 2

    @property
    def holds(self) -> bool | None:
        """Whether the promise is kept; None where nothing is promised or measured."""
        if self.reach is None or self.measured is None:
            return None
        return self.reach.holds(self.measured)

    @property
    def shown(self) -> str:
        """The value with its unit and note."""
        if self.measured is None:
            return self.note
        unit = self.reach.unit if self.reach else ""
        note = f"  ({self.note})" if self.note else ""
        return f"{self.measured:.{self.decimals}f}{unit}{note}"


def exit_code(rows: Sequence[Row]) -> int:
    """0 when every promise is kept, 1 when a row falls short."""
    return int(any(row.holds is False for row in rows))


def as_json(row: Row) -> dict[str, object]:
    """A row as values that JSON has."""
    return {
        "figure": row.figure,
        "reach": str(row.reach) if row.reach else None,
        "measured": row.measured,
        "note": row.note,
        "holds": row.holds,
    }


def show(rows: Sequence[Row], console: Console, title: str, told: str = "") -> None:
    """Print the table; `told` marks what was measured without a promise."""
    table = Table(title=title)
    for column in ("figure", "reach", "measured", "holds"):
        table.add_column(column, overflow="fold")
    marks = {True: "[green]yes[/]", False: "[red]no[/]", None: told}
    for row in rows:
        mark = marks[row.holds] if row.measured is not None else ""
        table.add_row(row.figure, str(row.reach or "-"), row.shown, mark)
    console.print(table)
