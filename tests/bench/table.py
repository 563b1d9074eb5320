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
        measured: The value.
        note: Said behind the value: times, counts, where it comes from.
        decimals: With which it is shown; it is judged unrounded.
    """

    figure: str
    reach: Reach | None
    measured: float
    note: str = ""
    decimals: int = 2

    @property
    def holds(self) -> bool | None:
        """Whether the promise is kept; None where nothing is promised."""
        return self.reach.holds(self.measured) if self.reach else None

    @property
    def shown(self) -> str:
        """The value with its unit and note."""
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


def show(rows: Sequence[Row], console: Console, title: str) -> None:
    """Print the table."""
    table = Table(title=title)
    for column in ("figure", "reach", "measured", "holds"):
        table.add_column(column, overflow="fold")
    marks = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}
    for row in rows:
        table.add_row(row.figure, str(row.reach or "-"), row.shown, marks[row.holds])
    console.print(table)
