"""Recognition on photographs: what the shipped bundle reached, and what brought it there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.bundle import Bundle
from tests.bench.needs import CannotMeasure
from tests.bench.table import Reach, Row
from tests.prove.children import in_child
from tests.prove.context import RECIPES, Proof
from tests.prove.device import device
from tests.prove.feeding import feed
from tests.prove.probing import render_steps
from tests.prove.shipped import sealed_evaluation

REACHES = (
    ("validation", "right_first", Reach("at least", 0.90)),
    ("real-piles", "micro_f1", Reach("at least", 0.45)),
    ("real-piles", "micro_precision", Reach("at least", 0.70)),
)
RENDERS = (
    ("mean_average_precision", Reach("at least", 0.70)),
    ("micro_f1", Reach("at least", 0.65)),
)
MAP_DROP, SAME_SET = Reach("at most", 0.01), Reach("at least", 90, " %")
COMPARED = {
    "best": "as the recipe says",
    "all-trained": "no block frozen",
    "without-photographs": "renders alone",
    "compact": "compact, from random weights",
}
SIDE_PX = 96
WINDOWS = 8_000
NEEDS = "needs --data, --learn-from and --judge-on DIR"


def photographs(proof: Proof) -> list[Row]:
    """Every figure of recognition on photographs."""
    return [
        *sealed(),
        *device(proof),
        *feed(proof),
        *compared(proof),
        *render_steps(proof),
    ]


def only_when_named() -> list[Row]:
    """What stands in the table where nobody asked for these figures by name."""
    return [
        Row("photographs", None, None, "not run: make prove-trainer PROVE='--only photographs'")
    ]


def sealed() -> list[Row]:
    """What the shipped bundle's evaluation.json says; nothing is measured here."""
    return sealed_rows(*sealed_evaluation())


def sealed_rows(bundle: Bundle, found: Mapping[str, Any]) -> list[Row]:
    """Rows of an evaluation.

    Raises:
        CannotMeasure: It does not say how the photographs were judged.
    """
    name, sets = bundle.manifest.name, found.get("photographs", {})
    rows = []
    for which, key, reach in REACHES:
        if key not in sets.get(which, {}):
            raise CannotMeasure(
                f"{bundle.path('evaluation')}: photographs.{which}.{key} is missing; export the"
                f" bundle with --photographs {which}=DIR"
            )
        note = f"as sealed in bundle {name}, {sets[which]['pictures']:.0f} photographs"
        rows.append(Row(f"{which}: {key.replace('_', ' ')}", reach, sets[which][key], note, 3))
    test, int8 = found["test"], found["int8_against_float"]
    seen = f"as sealed in bundle {name}, {test['pictures']:.0f} held-out path-traced pictures"
    rows += [
        Row(f"held out: {k.replace('_', ' ')}", reach, test[k], seen, 3) for k, reach in RENDERS
    ]
    drop, same = int8["map_float"] - int8["map_int8"], 100 * int8["same_label_set"]
    both = f"{int8['map_int8']:.4f} against {int8['map_float']:.4f}"
    rows.append(Row("int8 against float: mAP that is lost", MAP_DROP, drop, both, 4))
    return [*rows, Row("int8 against float: same label set", SAME_SET, same, seen, 1)]


def compared(proof: Proof) -> list[Row]:
    """Right-first rates of short trainings that see the same views, but for one thing."""
    if None in (proof.data, proof.learn_from, proof.judge_on):
        return [Row("short trainings, right first on photographs", None, None, NEEDS)]
    found = {name: in_child(trained, name, proof) for name in COMPARED}
    seen = f"{proof.amount(WINDOWS, 96):,} windows"
    return [
        Row(
            f"short training, {what}: right first",
            None,
            found[name][0],
            f"in five {found[name][1]:.3f}; {seen}, one seed",
            3,
        )
        for name, what in COMPARED.items()
    ]


def trained(name: str, proof: Proof) -> tuple[float, float]:
    """Train a variant, or go on with it, and judge it; runs in a process of its own.

    Returns:
        Right-first and right-in-five rates on the photographs of `proof.judge_on`.
    """
    import keras
    import numpy as np
    from rich.console import Console

    from edge.preprocessing import Preprocessing, prepare
    from tests.prove.probing import balanced_rates
    from tests.prove.variants import write_recipe
    from trainer.dataset import read_dataset, read_image
    from trainer.recipe import recipe_hash
    from trainer.runs import read_facts
    from trainer.train import predict_logits, train

    if proof.data is None or proof.learn_from is None or proof.judge_on is None:
        raise CannotMeasure(NEEDS)
    recipe = variant(name, proof.amount(WINDOWS, 96))
    path = write_recipe(recipe, proof.folder / f"photographs-{name}.toml")
    run = proof.folder / "runs" / f"photographs-{name}-{recipe_hash(recipe)[:8]}-{proof.code}"
    data = [proof.data] if name == "without-photographs" else [proof.data, proof.learn_from]
    train(path, data, run, Console(stderr=True))
    labels = read_facts(run / "run.json")["labels"]
    model = keras.saving.load_model(run / "final.keras", compile=False)
    judged = read_dataset(proof.judge_on)
    preprocessing = Preprocessing(recipe.network.size_px)
    pictures = np.stack([prepare(read_image(sample), preprocessing) for sample in judged])
    truth = np.array([labels.index(sample.labels[0]) for sample in judged])
    return balanced_rates(predict_logits(model, pictures), truth)


def variant(name: str, windows: int) -> Any:
    """A recipe of one short stage around bricks: `best`'s network, or `compact`'s."""
    from trainer.recipe import read_recipe

    best, compact = (read_recipe(RECIPES / f"{which}.toml") for which in ("best", "compact"))
    recipe = compact if name == "compact" else best
    side = recipe.network.size_px if name == "compact" else SIDE_PX
    stage = best.stage[0].model_copy(
        update={
            "epochs": 1,
            "windows_per_epoch": windows,
            "side_px": side,
            "final_learning_rate": 1e-5,
            "photograph_share": None if name == "without-photographs" else 0.15,
        }
    )
    network = recipe.network.model_copy(update={} if name == "compact" else {"size_px": side})
    if name == "all-trained":
        network = network.model_copy(update={"frozen_blocks": 0})
    changes = {"network": network, "stage": (stage,), "start": None, "ema": 0.99, "patience": 0}
    return recipe.model_copy(update={"name": f"photographs-{name}", **changes})


def folders() -> tuple[Path | None, Path | None]:
    """Where the project's photographs to learn from and to judge on lie, if they are there."""
    place = Path(__file__).parents[3] / "shared" / "data" / "photographs"
    found = [
        place / name if (place / name).is_dir() else None for name in ("training", "validation")
    ]
    return found[0], found[1]
