"""The command `explain-eval`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def explain_eval(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE")],
    data: Annotated[Path, typer.Argument(metavar="DATASET", help="With instance maps.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where rows, figures and the page go.")
    ],
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Pictures, the first; all if not given.")
    ] = None,
    methods: Annotated[
        str, typer.Option(help="grad-cam, grad-cam-max, hirescam, lime, centre; by comma.")
    ] = "grad-cam,grad-cam-max,hirescam,lime,centre",
    lime_runs: Annotated[
        int, typer.Option(min=1, max=100, help="Runs of LIME that must agree, on some pictures.")
    ] = 10,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of noise, random layers and resampling.")] = 0,
    counterfactuals: Annotated[
        int, typer.Option(min=0, metavar="N", help="Scenes to draw again without each brick.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Say in numbers how faithful the explanations are. What was stopped goes on where it was."""
    from trainer.faithfulness.evaluation import Asked, evaluate
    from trainer.faithfulness.table import as_text

    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    asked = Asked(bundle, data, out, split, limit, names, lime_runs, workers, seed, counterfactuals)
    shown = Console(stderr=True)
    try:
        found = evaluate(asked, shown)
    except KeyboardInterrupt:
        typer.echo("stopped; what is done is kept, the same command goes on", err=True)
        raise typer.Exit(130) from None
    text = (out / "explain-evaluation.json").read_text(encoding="utf-8")
    typer.echo(text if as_json else as_text(found))
    shown.print(f"{out / 'explain.html'}: open it in a browser", soft_wrap=True)
