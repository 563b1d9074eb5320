"""An evaluation as a table for a terminal."""

from trainer.faithfulness.rows import Row
from trainer.faithfulness.summary import FIGURES, OUTCOMES

PRINTED = (
    "pointing", "skill", "pointing_exact", "blank", "energy", "discriminativity", "rank_accuracy",
    "iou_15", "average_precision", "deletion", "insertion", "symmetric_difference", "selectivity",
    "max_sensitivity", "random_logit", "gini", "stability", "r2",
)  # fmt: skip


def as_text(found: Row) -> str:
    """Figures of all methods, differences in pointing, and what maps depend on."""
    lines = [f"{found['pictures']} pictures of {found['scenes']} scenes"]
    for outcome, methods in found["figures"].items():
        count = found["explanations"][outcome]
        lines += ["", f"{OUTCOMES[outcome]}: {count} labels, mean and 95 % interval"]
        lines.append(f"{'':36s}" + "".join(f"{method:>25s}" for method in methods))
        lines += [_line(FIGURES[f], [m[f] for m in methods.values()]) for f in PRINTED]
    lines += ["", "pointing game of rightly reported labels"]
    for pair, figures in found["differences"].get("tp", {}).items():
        lines.append(_line(pair, [figures["pointing"]]))
    lines += ["", "maps with random layers against the trained ones, Spearman"]
    for method, depths in found["randomisation"].items():
        lines += [_line(f"{method}, down to {d['random'][-1]}", [d]) for d in depths]
    lines += ["", *_left_out(found.get("counterfactual", {})), *_agreement(found["agreement"])]
    return "\n".join(lines)


def _left_out(found: Row) -> list[str]:
    if "methods" not in found:
        return []
    lines = [f"bricks left out of {found['pictures']} scenes: mass against effect, Spearman"]
    lines += [_line(method, [figures["spearman"]]) for method, figures in found["methods"].items()]
    lines += ["the brick with the most mass is the one that matters most"]
    lines += [
        _line(method, [figures["same_brick"]]) for method, figures in found["methods"].items()
    ]
    return [*lines, ""]


def _agreement(found: Row) -> list[str]:
    return [
        "int8 and companion",
        _line("the same label set", [found["same_label_set"]]),
        _line("mean difference of logits", [found["mean_logit_difference"]]),
    ]


def _line(title: str, figures: list[Row]) -> str:
    return f"{title[:36]:36s}" + "".join(f"{_cell(figure):>25s}" for figure in figures)


def _cell(figure: Row) -> str:
    if not figure["count"]:
        return "-"
    if figure["low"] != figure["low"]:
        return f"{figure['mean']:.3f}"
    return f"{figure['mean']:.3f} ({figure['low']:.3f}..{figure['high']:.3f})"
