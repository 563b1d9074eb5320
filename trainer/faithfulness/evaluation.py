"""The whole of an evaluation, from a bundle and a data set to figures and a page."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from edge.bundle import Bundle, read_bundle
from trainer.dataset import SPLITS, Sample, of_split, read_dataset, targets
from trainer.errors import DatasetError
from trainer.faithfulness import counterfactual
from trainer.faithfulness.attributions import METHODS, Attributions, needs_variants
from trainer.faithfulness.examples import choose, draw
from trainer.faithfulness.networks import Networks, build
from trainer.faithfulness.page import write_page
from trainer.faithfulness.rows import Row, RowFile, make_folder, plain
from trainer.faithfulness.run import Opening, examine_all
from trainer.faithfulness.settings import Settings
from trainer.faithfulness.summary import summarise


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked for; see its help."""

    bundle: Path
    data: Path
    out: Path
    split: str = "test"
    limit: int | None = None
    methods: tuple[str, ...] = METHODS
    lime_runs: int = 10
    workers: int = 2
    seed: int = 0
    counterfactuals: int = 0


def evaluate(asked: Asked, console: Console) -> Row:
    """Examine the pictures, and write explain-evaluation.json and explain.html.

    Returns:
        The figures, see `trainer.faithfulness.summary.summarise`, with `bundle`, `settings` and
        `counterfactual`.

    Raises:
        DatasetError: The data set is wrong, has no instance maps or nothing in that split; the
            folder cannot be made, or holds rows of other settings.
        BundleError: The bundle is refused.
        ExportError: The bundle holds no float weights.
    """
    settings = Settings(_chosen(asked.methods), asked.lime_runs, asked.seed)
    bundle, samples = read_bundle(asked.bundle), _samples(asked)
    targets(samples, [label.id for label in bundle.labels])
    make_folder(asked.out)
    wants = needs_variants(bundle, settings.methods)
    networks = build(bundle, asked.out / "networks", asked.seed, wants)
    header = _header(bundle, asked, settings)
    file = RowFile(asked.out / "rows.jsonl", header)
    opening = Opening(asked.bundle, networks, settings)
    rows = examine_all(opening, samples, file, asked.workers, console)
    found = summarise(rows, settings.methods, networks.layers, asked.seed)
    found |= {
        "bundle": {"name": bundle.manifest.name, "sha256": bundle.sha256},
        "settings": {"split": asked.split, **asdict(settings)},
        "counterfactual": _counterfactual(asked, bundle, networks, settings, samples, console),
    }
    _write(
        asked.out, bundle, Attributions(bundle, settings.methods, networks), found, samples, rows
    )
    return found


def _chosen(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = sorted(set(names) - set(METHODS))
    if unknown or not names:
        raise DatasetError(
            f"--methods: found {', '.join(unknown) or 'none'}; allowed: {', '.join(METHODS)}"
        )
    return tuple(method for method in METHODS if method in names)


def _samples(asked: Asked) -> list[Sample]:
    if asked.split not in SPLITS:
        raise DatasetError(f"--split: found {asked.split!r}; allowed: {', '.join(SPLITS)}")
    samples = of_split(read_dataset(asked.data), asked.split, asked.data)[: asked.limit]
    missing = next((sample for sample in samples if sample.ids is None), None)
    if missing is not None:
        raise DatasetError(
            f"{asked.data}: has no instance maps ({missing.picture.name}), and an explanation is"
            " judged by where the bricks are; name a data set such as `render` writes"
        )
    return samples


def _header(bundle: Bundle, asked: Asked, settings: Settings) -> Row:
    files = bundle.manifest.files
    header = {
        "bundle": bundle.sha256,
        "companion": files["companion"].sha256,
        "split": asked.split,
        **asdict(settings),
    }
    if "lime" in settings.methods:
        from edge.explain.lime_result import LimeSettings

        header["lime"] = repr(LimeSettings())
    return header


def _counterfactual(
    asked: Asked,
    bundle: Bundle,
    networks: Networks,
    settings: Settings,
    samples: list[Sample],
    console: Console,
) -> Row:
    if not asked.counterfactuals:
        return {"skipped": "not asked for (--counterfactuals)"}
    file = RowFile(asked.out / "counterfactuals.jsonl", _header(bundle, asked, settings))
    attributions = Attributions(bundle, settings.methods, networks)
    chosen = samples[: asked.counterfactuals]
    said = counterfactual.result(asked.data, chosen, attributions, file, asked.seed, console)
    if "skipped" in said:
        console.print(f"no brick left out: {said['skipped']}", soft_wrap=True)
    return said


def _write(
    out: Path,
    bundle: Bundle,
    attributions: Attributions,
    found: Row,
    samples: list[Sample],
    rows: list[Row],
) -> None:
    text = json.dumps(plain(found), indent=1, allow_nan=False)
    (out / "explain-evaluation.json").write_text(text + "\n", encoding="utf-8")
    outcomes = [label["outcome"] for _, label in choose(rows)]
    pictures = draw(samples, rows, attributions)
    write_page(out / "explain.html", bundle, found, list(zip(pictures, outcomes, strict=True)))
