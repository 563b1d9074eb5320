"""What is printed for people and programs; a disk that is full is one message."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console

from edge.errors import EdgeError

WIDTH = 120
"""Of tables in a file."""


@contextmanager
def printing() -> Iterator[None]:
    """Print inside it, or end with what is wrong with standard output.

    Raises:
        EdgeError: It cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        # Who reads it has seen enough.
        raise
    except OSError as error:
        # What is still held back would fail once more when Python ends.
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        raise EdgeError(
            f"standard output cannot be written ({error.strerror}); make room, or send it elsewhere"
        ) from error


def say(text: str, nl: bool = True) -> None:
    """Print a text.

    Args:
        text: What to print.
        nl: Whether a line ends with it.
    """
    with printing():
        typer.echo(text, nl=nl)


def tables() -> Console:
    """What prints tables: as wide as the terminal, or `WIDTH`; print `printing`."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)


def open_what_is_closed() -> None:
    """Send to nowhere what a caller has closed: else files opened later get its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
