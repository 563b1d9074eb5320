"""What a drawing process does.

Nothing here reaches TensorFlow: it and Mesa's software renderer bring their own LLVM, and a process
with both of them crashes.
"""

import multiprocessing
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.labelled import LabelledPicture, labelled_picture
from trainer.render.drawn import Drawn, LabelRule
from trainer.render.raster import RasterEngine
from trainer.render.stock import open_stock
from trainer.scenes.geometry import Geometry
from trainer.scenes.sampling import draw_scene
from trainer.scenes.settings import SceneSettings


@dataclass(frozen=True, slots=True)
class Order:
    """Pictures that are wanted: which scenes, how large."""

    settings: SceneSettings
    size_px: int
    rule: LabelRule


_ENGINES: dict[tuple, Any] = {}
"""Of a worker process: its engine and stock, made once."""


def end_with_parent() -> None:
    """End this process when the one that started it is gone, however it went."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def draw_chunk(order: Order, seeds: list[int], labels: tuple[str, ...]) -> list[LabelledPicture]:
    """Draw some scenes; runs in a worker process."""
    key = (order.settings.model_dump_json(), order.size_px)
    if key not in _ENGINES:
        geometry = Geometry.from_environment()
        _ENGINES[key] = (
            RasterEngine(geometry, order.size_px),
            open_stock(geometry, order.settings),
        )
    engine, stock = _ENGINES[key]
    drawn = (engine.draw(draw_scene(seed, order.settings, stock)) for seed in seeds)
    return [picture_of(one, labels, order.rule) for one in drawn]


def picture_of(drawn: Drawn, labels: Sequence[str], rule: LabelRule) -> LabelledPicture:
    """A drawn scene as the sampler takes it."""
    parts = np.array([labels.index(b.part) for b in drawn.scene.bricks], int)
    return labelled_picture(
        drawn.image, drawn.ids, parts, drawn.visible_px, drawn.full_px, drawn.labels(rule)
    )
