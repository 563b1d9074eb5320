"""bricksight-edge: label pictures, run the device, check the set-up."""

import io
import json
import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge.access.commands import register as register_access
from edge.corrections.commands import register as register_corrections
from edge.errors import EdgeError
from edge.journal_commands import register
from edge.standard_output import open_what_is_closed, printing, say, tables
from edge.study.commands import register as register_study
from edge.swap.commands import register as register_model

_log = logging.getLogger(__name__)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Says which brick types are visible in a pile, shows why, and drives a sorting machine.",
)

BundleOption = Annotated[
    Path | None,
    typer.Option("--bundle", metavar="DIR", help="Model bundle; the shipped one if not given."),
]


class Method(StrEnum):
    """What `label --explain` shows."""

    GRAD_CAM = "grad-cam"
    HIRESCAM = "hirescam"
    GRAD_CAM_MAX = "grad-cam-max"
    LIME = "lime"


class HeatStyle(StrEnum):
    """See `edge.explain.overlay.draw`."""

    SPOTLIGHT = "spotlight"
    INFERNO = "inferno"
    VIRIDIS = "viridis"
    CIVIDIS = "cividis"


class SignedStyle(StrEnum):
    """See `edge.explain.overlay.draw`."""

    SIGNED = "signed"
    PAPER = "paper"


class Engine(StrEnum):
    """What makes LIME."""

    BRICKSIGHT = "bricksight"
    LIME = "lime"


PICTURES = (
    "JPEG and PNG files, folders, globs; -- before a name that begins with a dash. In folders,"
    " hidden files and sheets such as *.gradcam.png are passed over."
)
ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FILE", help="The machine's edge.toml.")
]


@app.command()
def label(
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help=PICTURES)],
    bundle: BundleOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    explain: Annotated[
        Path | None,
        typer.Option(
            "--explain",
            metavar="DIR",
            help="Write each pile beside its maps there, as <its name>.gradcam.png, .lime.png...",
        ),
    ] = None,
    method: Annotated[
        Method, typer.Option(help="What --explain shows; lime stands beside Grad-CAM.")
    ] = Method.GRAD_CAM,
    style: Annotated[
        HeatStyle, typer.Option(help="How maps that have no values below zero are drawn.")
    ] = HeatStyle.SPOTLIGHT,
    signed_style: Annotated[
        SignedStyle,
        typer.Option(help="How signed maps are drawn: blue and orange, or the paper's red-green."),
    ] = SignedStyle.SIGNED,
    scale: Annotated[
        str,
        typer.Option(
            metavar="frame|map|NUMBER",
            help="What full colour stands for: the strongest of the picture, of each map, or a"
            " number of logits.",
        ),
    ] = "frame",
    samples: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="LIME: perturbed pictures at most.", metavar="N"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="LIME: the same seed, the same map.")] = 0,
    engine: Annotated[
        Engine, typer.Option(help="LIME: ours, or the stock lime package as a reference.")
    ] = Engine.BRICKSIGHT,
    threads: Annotated[int, typer.Option(min=1, max=64, help="CPU threads of the model.")] = 1,
    tiles: Annotated[
        bool,
        typer.Option(
            "--tiles", help="Look at four overlapping quarters, too; takes five times as long."
        ),
    ] = False,
) -> None:
    """Label pictures. Exits with 1 when any picture failed; the others are still labelled."""
    from rich.progress import track

    from edge.bundle import read_bundle
    from edge.config import SHIPPED_BUNDLE
    from edge.label import Labelled, Labeller, expand

    how = _explaining(explain, method, (style, signed_style, scale), (samples, seed, engine))
    model = read_bundle(bundle or SHIPPED_BUNDLE)
    found = list(expand(pictures))
    named = [entry for entry in found if not isinstance(entry, Labelled)]
    labeller = Labeller(model, how, threads, spare=named, tiles=tiles)
    _make_folder(explain)
    shown = Console(stderr=True)
    failed = too_small = 0
    for entry in track(
        found, "labelling", console=shown, transient=True, disable=not shown.is_terminal
    ):
        done = entry if isinstance(entry, Labelled) else labeller.label(entry)
        failed += done.prediction is None
        too_small += tiles and done.prediction is not None and not done.prediction.parts
        _print_labelled(done, model, as_json)
    if explain is not None and not as_json:
        shown.print(f"{len(found) - failed} pictures explained in {explain}")
    if too_small:
        shown.print(
            f"{too_small} of {len(found)} are too small for --tiles: a quarter has less than half"
            f" of the {model.preprocessing.size_px} pixels that the model is shown; it was shown"
            " the whole pictures",
            soft_wrap=True,
        )
    if failed:
        shown.print(f"{failed} of {len(found)} failed", style="red")
        raise typer.Exit(1)


def _explaining(
    folder: Path | None,
    method: Method,
    look: tuple[HeatStyle, SignedStyle, str],
    lime: tuple[int | None, int, Engine],
) -> Any:
    if folder is None:
        return None
    from dataclasses import replace

    from edge.explain.lime_result import LimeSettings
    from edge.explain.sheet import Look
    from edge.label import ExplainInto

    style, signed_style, scale = look
    samples, seed, engine = lime
    settings = LimeSettings(seed=seed, engine=engine.value)
    return ExplainInto(
        folder,
        method.value,
        Look(style.value, signed_style.value, _scale(scale)),
        settings if samples is None else replace(settings, samples=samples),
    )


def _scale(text: str) -> str | float:
    if text in ("frame", "map"):
        return text
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise typer.BadParameter(
            f"found {text!r}; allowed: frame, map, or a number above 0", param_hint="--scale"
        )
    return number


def _make_folder(folder: Path | None) -> None:
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EdgeError(
            f"{folder}: no folder can be made there ({error.strerror}); name another"
        ) from error


def _print_labelled(done, model, as_json: bool) -> None:  # type: ignore[no-untyped-def]
    from edge.label import as_json as described
    from edge.label import as_text

    if as_json:
        # In ASCII: the name of a file may be no text at all.
        say(json.dumps(described(done, model)))
    elif done.prediction is None:
        typer.echo(done.error, err=True)
    else:
        say(as_text(done, model))


@app.command()
def run(
    config: ConfigOption, verbose: Annotated[bool, typer.Option(help="Log more.")] = False
) -> None:
    """Run the device: camera, labels, machine and the page. Ctrl-C ends it."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # It warns of each request beyond its threads, which page and pictures make all the time.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    from edge.app import App
    from edge.config import read_config
    from edge.redaction import redact
    from edge.swap.settings import places_of
    from edge.swap.starting import live_folder

    settings = read_config(config)
    _log.info("model: %s", live_folder(places_of(settings)))
    _log.info("camera: %s", redact(settings.camera.source))
    _log.info("machine: %s", settings.machine.driver)
    device = App(settings)

    def ready() -> None:
        if device.notice:
            say(device.notice)
        say(f"Bricksight is at {device.address}  (Ctrl-C ends it)")
        if token := device.set_up_token:
            say(f"Nobody can log in yet. Open it and give this set-up token: {token}")

    failure = device.run(ready)
    if failure:
        raise EdgeError(failure)
    if device.restart_wanted:
        say("starting anew")
        sys.stdout.flush()
        # A process of its own frees all that the models held, and keeps the id that systemd knows.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    say("ended")


@app.command()
def check(config: ConfigOption) -> None:
    """Check bundle, camera, machine and bins; says in one table what is wrong and what to do."""
    from edge.check import check_all

    findings = check_all(config)
    table = Table(title=escape(str(config)))
    for column in ("what", "", "found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]wrong[/]"
        table.add_row(finding.what, mark, finding.found)
    with printing():
        tables().print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


register(app)
register_corrections(app)
register_access(app)
register_study(app)
register_model(app)


def main() -> None:
    """Entry point; errors of ours are one message, not a trace."""
    from sorter_firmware_bridge.errors import BridgeError

    # The runtimes log their start on stderr; it says nothing to a user.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    open_what_is_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except (EdgeError, BridgeError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
