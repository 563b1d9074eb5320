"""Which figures a command takes."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import typer

Figure = TypeVar("Figure")


def chosen(only: Sequence[str], figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """The figures that are named, in their own order; all where none is.

    Raises:
        BadParameter: There is no such figure; the message names those there are.
    """
    unknown = sorted(set(only) - set(figures))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}; allowed: {', '.join(figures)}")
    return {name: figure for name, figure in figures.items() if not only or name in only}
