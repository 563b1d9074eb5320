"""What every figure is taken with."""

from dataclasses import dataclass
from pathlib import Path

from tests.bench.subject import ROOT

RECIPES = ROOT / "trainer" / "recipes"


@dataclass(frozen=True, slots=True)
class Proof:
    """Settings of one call; goes to other processes.

    Attributes:
        folder: Where rows, generated recipes and runs are kept.
        code: Which code is measured, see `tests.prove.ledger.code_mark`.
        quick: Tiny settings, which show that everything runs and measure nothing.
        data: Rendered data set whose test split judges what was trained; None judges on raster
            scenes.
        types: Part types that ablations are trained on, where no data set says which.
        budget_mpx: Million pixels of windows that each ablation sees.
        paper_epochs: Instead of the paper recipe's.
        learn_from: Photographs of single bricks to train on, with a labels.csv.
        judge_on: Others of the same kind, to judge on.
    """

    folder: Path
    code: str
    quick: bool = False
    data: Path | None = None
    types: int = 20
    budget_mpx: int = 1400
    paper_epochs: int | None = None
    learn_from: Path | None = None
    judge_on: Path | None = None

    def amount(self, usual: int, quick: int) -> int:
        """How many of something: the usual number, or the quick one."""
        return quick if self.quick else usual
