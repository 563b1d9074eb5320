"""The figures of the dashboard that need no quiet machine, taken in small."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.table import Row
from tests.prove.context import Proof
from tests.prove.dashboard.door_figures import fuzz_rows, open_rows


@pytest.mark.parametrize("figure", [open_rows, fuzz_rows])
def test_nobody_gets_in_and_nothing_breaks(
    figure: Callable[[Proof], list[Row]], tmp_path: Path
) -> None:
    rows = figure(Proof(tmp_path, "code", quick=True))
    assert [(row.figure, row.note) for row in rows if row.holds is not True] == []
