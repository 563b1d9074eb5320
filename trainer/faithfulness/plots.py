"""Plots of an evaluation as inline SVG."""

from typing import Any

import numpy as np

from trainer.faithfulness.rows import Row
from trainer.faithfulness.summary import SHARES
from trainer.page_pictures import svg

COLOURS = {
    "grad-cam": "#4477aa",
    "grad-cam-max": "#ee6677",
    "hirescam": "#228833",
    "lime": "#ccbb44",
    "centre": "#999999",
}
PARTS = {"own": "#117733", "other": "#cc6677", "background": "#d5d5d5"}
LEVEL_NAMES_MAX = 8
PARTS_SHOWN = {"own": "own brick", "other": "other bricks", "background": "background"}


def plots(found: Row, names: dict[str, str]) -> list[tuple[str, str]]:
    """(title, SVG) of every plot; of rightly reported labels, where it does not say otherwise.

    Args:
        found: `trainer.faithfulness.summary.summarise`.
        names: Part id -> what a person calls it.
    """
    if "tp" not in found["figures"]:
        return []
    drawn = [
        ("Pointing game, with 95 % intervals", _svg(_pointing, found)),
        ("Attention budget: where the mass is", _svg(_budget, found)),
        ("Deletion: cells hidden, the most heat first", _svg(_curves, found, "deletion")),
        ("Insertion: cells shown, the most heat first", _svg(_curves, found, "insertion")),
    ]
    if found["randomisation"]:
        drawn.append(("Likeness of maps when layers are random", _svg(_randomised, found)))
    count = len(found["types"])
    drawn.append(
        ("Pointing game by part type", _svg(_types, found, names, height=1.2 + 0.16 * count))
    )
    return drawn


def _svg(draw: Any, *arguments: Any, height: float = 3.6) -> str:
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "explain", "font.size": 9}):
        return svg(draw, *arguments, height=height, width=6.4)


def _pointing(axes: Any, found: Row) -> None:
    methods = found["figures"]["tp"]
    for shift, figure, opacity in ((-0.2, "pointing", 1.0), (0.2, "pointing_exact", 0.5)):
        for place, (method, figures) in enumerate(methods.items()):
            value = figures[figure]
            axes.bar(place + shift, value["mean"], 0.38, color=COLOURS[method], alpha=opacity)
            axes.vlines(place + shift, value["low"], value["high"], color="0.2", linewidth=1.2)
    if "centre" in methods:
        level = methods["centre"]["pointing"]["mean"]
        axes.axhline(level, color="0.3", linestyle="--", linewidth=1)
        axes.text(len(methods) - 0.45, level + 0.01, "centre", ha="right", color="0.3", fontsize=8)
    axes.set_xticks(range(len(methods)), list(methods))
    axes.set(ylim=(0, 1), ylabel="share of hits, mean over types")
    axes.set_title("full: within 15/224 of the side; pale: on the brick itself", fontsize=8)


def _budget(axes: Any, found: Row) -> None:
    methods = found["budget"]["tp"]
    names = list(methods)[::-1]
    left = np.zeros(len(names))
    for share in SHARES:
        width = np.array([methods[m][share]["mean"] for m in names], float)
        axes.barh(names, width, left=left, color=PARTS[share], label=PARTS_SHOWN[share])
        for place, (x, w) in enumerate(zip(left, width, strict=True)):
            if w > 0.05:
                shown = f"{100 * w:.0f} %"
                ink = "0.2" if share == "background" else "white"
                axes.text(x + w / 2, place, shown, ha="center", va="center", color=ink, fontsize=8)
        left += width
    axes.set(xlim=(0, 1), xlabel="mean share of a map's mass")
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8)


def _curves(axes: Any, found: Row, kind: str) -> None:
    for method, curves in found["curves"].items():
        values = curves[kind]
        shares = np.linspace(0, 1, len(values))
        style = "--" if method == "centre" else "-"
        axes.plot(shares, values, style, color=COLOURS[method], label=method, linewidth=1.6)
    hidden = "hidden" if kind == "deletion" else "shown, the rest blurred"
    axes.set(xlim=(0, 1), ylim=(0, None), xlabel=f"share of the picture {hidden}")
    axes.set_ylabel("mean probability of the label")
    axes.legend(frameon=False, fontsize=8)


def _randomised(axes: Any, found: Row) -> None:
    for method, depths in found["randomisation"].items():
        places = np.arange(1, len(depths) + 1)
        means, low, high = (
            np.array([d[k] for d in depths], float) for k in ("mean", "low", "high")
        )
        axes.plot(places, means, "o-", color=COLOURS[method], label=method, markersize=4)
        axes.vlines(places, low, high, color=COLOURS[method], linewidth=1.2)
        named = [depth["random"][-1] for depth in depths]
        axes.set_xticks(places, named, rotation=0 if len(named) <= LEVEL_NAMES_MAX else 60)
    axes.axhline(0.2, color="0.3", linestyle="--", linewidth=1)
    axes.axhline(0, color="0.7", linewidth=0.8)
    axes.set(ylim=(-0.5, 1), xlabel="random down to this layer, from the logits on")
    axes.set_ylabel("Spearman with the trained map")
    axes.legend(frameon=False, fontsize=8)


def _types(axes: Any, found: Row, names: dict[str, str]) -> None:
    rows = sorted(found["types"].items(), key=lambda item: _first(item[1]))
    titles = [f"{names.get(part, part)}  {part} ({row['explanations']})" for part, row in rows]
    for method in ("centre", "grad-cam-max", "grad-cam"):
        hits = [row["pointing"].get(method) for _, row in rows]
        if None not in hits:
            mark = "|" if method == "centre" else "o"
            axes.plot(hits, titles, mark, color=COLOURS[method], label=method, markersize=4)
    axes.tick_params(axis="y", labelsize=5.5, length=0)
    axes.grid(axis="y", color="0.93", linewidth=0.6)
    axes.set(xlim=(-0.02, 1.02), xlabel="share of hits (number of explanations)")
    axes.margins(y=0.01)
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8)


def _first(row: Row) -> float:
    return float(row["pointing"].get("grad-cam", next(iter(row["pointing"].values()))))
