"""An analysis on the terminal."""

from rich.console import Console
from rich.table import Table

from edge.standard_output import printing, tables
from edge.study import sentences
from edge.study.analysis import Analysis, Reading


def show(found: Analysis) -> None:
    """Print what a study found.

    Raises:
        EdgeError: Standard output cannot be written.
    """
    with printing():
        console = tables()
        if found.reading is None:
            console.print("Nobody answered a question that counts.")
            return
        console.print(sentences.verdict(found.reading), markup=False)
        _show_reading("All who count", found.reading, console)
        others = (
            ("Without those who failed the catch", found.without_failed),
            ("With those who did not finish", found.with_unfinished),
        )
        for title, reading in others:
            if reading is not None:
                _show_reading(title, reading, console)
        _show_strata(found, console)
        for known in found.objective:
            console.print(sentences.objective(known), markup=False)
        for note in sentences.notes(found):
            console.print(note, markup=False)


def _show_reading(title: str, reading: Reading, console: Console) -> None:
    table = Table("reading", "counted", "p, two-sided", title=title, title_justify="left")
    for row in sentences.readings(reading):
        table.add_row(*row)
    console.print(table)
    for name, span in sentences.intervals(reading.share):
        console.print(f"95 % interval, {name}: {span}", markup=False)
    console.print(f"Design effect: {sentences.design_effect(reading.share)}.", markup=False)


def _show_strata(found: Analysis, console: Console) -> None:
    title = "By familiarity with deep learning (counts, no tests)"
    table = Table("familiarity", "people", "chose Grad-CAM", title=title, title_justify="left")
    for stratum in found.strata:
        chose = f"{stratum.hits} of {stratum.answers}"
        table.add_row(sentences.level(stratum.familiarity), str(stratum.people), chose)
    console.print(table)
