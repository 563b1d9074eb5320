"""What every figure is taken with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.subject import Subject, read_subject


@dataclass(frozen=True)
class Bench:
    """Settings of one run; the subject is built when the first figure needs it.

    Attributes:
        rounds: How often two things are timed in turn.
        folder: For temporary files.
        data: Data set with a test split; where there is none, what the bundle says is taken.
    """

    rounds: int
    folder: Path
    data: Path

    @cached_property
    def subject(self) -> Subject:
        """The shipped network."""
        return read_subject(self.folder)
