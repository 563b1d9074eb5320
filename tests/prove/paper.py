"""The paper's network, trained and judged as the paper did."""

from collections.abc import Mapping

from tests.bench.table import Row
from tests.prove.children import in_child
from tests.prove.context import Proof

THEIRS_PERCENT = 84.71
NOT_RUN = "not run; --only paper trains it for hours, --paper-epochs N for fewer"


def trained(proof: Proof) -> Mapping[str, float | str]:
    """Train and judge it; runs in a process of its own."""
    from tests.prove.training import train_paper

    return train_paper(proof)


def paper(proof: Proof) -> list[Row]:
    """Binary accuracy beside the baseline that says of everything that it is not there."""
    return rows_of(in_child(trained, proof))


def rows_of(found: Mapping[str, float | str]) -> list[Row]:
    """Rows of `tests.prove.training.train_paper`'s answer."""
    run = (
        f"{found['epochs']} epochs, {found['scenes']} held-out raster scenes, trained at"
        f" {found['commit']}"
    )
    accuracy = f"the paper has {THEIRS_PERCENT}; threshold 0.5; {run}"
    said = f"the network reports {found['reported']:.1f} labels a picture"
    chance = f"chance is {found['chance_precision']:.3f}"
    return [
        Row("paper: binary accuracy, %", None, 100 * float(found["binary_accuracy"]), accuracy),
        Row(
            "paper: binary accuracy of reporting nothing at all, %",
            None,
            100 * float(found["all_absent_accuracy"]),
            said,
        ),
        Row("paper: mAP", None, float(found["mean_average_precision"]), chance, 3),
        Row("paper: weighted loss, summed over labels", None, float(found["loss_sum"]), run),
    ]


def not_run() -> list[Row]:
    """Where nobody has trained it yet."""
    return [Row("paper: binary accuracy, %", None, None, NOT_RUN)]
