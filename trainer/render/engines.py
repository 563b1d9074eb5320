"""What a drawing process or thread keeps: its engine, and what scenes are drawn from."""

import os
import threading
from hashlib import sha256
from multiprocessing.util import Finalize
from pathlib import Path

from trainer.render.blender import BlenderEngine
from trainer.render.raster import RasterEngine
from trainer.render.recipe import RenderRecipe
from trainer.render.shard_files import sha256_of
from trainer.render.stock import open_stock
from trainer.scenes.geometry import VARIABLE, Geometry
from trainer.scenes.poses import SHIPPED
from trainer.scenes.sampling import Stock, find_photographs
from trainer.scenes.settings import SceneSettings


def describe_stock(settings: SceneSettings) -> str:
    """What scenes are drawn from here, in words that differ when the same seeds differ.

    Raises:
        GeometryError: LDRAWDIR names no LDraw library.
        PictureError: The folder of grounds is missing or empty.
    """
    named = os.environ.get(VARIABLE, "").strip()
    source = "the LDraw library" if named else f"computed shapes, {VARIABLE} is not set"
    ids = Geometry.from_environment().ids()
    photographs = [Path(path) for path in find_photographs(settings)]
    grounds = "\n".join(f"{path.name} {path.stat().st_size}" for path in photographs)
    marks = [
        sha256("\n".join(ids).encode()).hexdigest()[:8],
        sha256_of(SHIPPED)[:8],
        sha256(grounds.encode()).hexdigest()[:8],
    ]
    return (
        f"{len(ids)} parts from {source}, {len(photographs)} photographs of grounds"
        f" ({'-'.join(marks)})"
    )


def open_engine(recipe: RenderRecipe) -> RasterEngine | BlenderEngine:
    """The engine of this thread for a recipe; made once, and closed when the process ends.

    Raises:
        GeometryError: LDRAWDIR names no LDraw library.
        RenderError: The engine is not installed.
    """
    key = (recipe.engine, recipe.size_px, recipe.samples)
    if getattr(_OPEN, "engine_key", None) != key:
        # One core is one worker's; read when the context is made.
        os.environ.setdefault("LP_NUM_THREADS", "1")
        _close_engine()
        _OPEN.engine = _make_engine(recipe, Geometry.from_environment())
        _OPEN.closing = Finalize(_OPEN.engine, _OPEN.engine.close, exitpriority=10)
        _OPEN.engine_key = key
    return _OPEN.engine


def open_scenes(recipe: RenderRecipe) -> Stock:
    """What a recipe's scenes are made of; kept for this thread.

    Raises:
        GeometryError, PoseError, PictureError: As `trainer.render.stock.open_stock`.
    """
    key = recipe.scenes.model_dump_json()
    if getattr(_OPEN, "stock_key", None) != key:
        _OPEN.stock = open_stock(Geometry.from_environment(), recipe.scenes)
        _OPEN.stock_key = key
    return _OPEN.stock


_OPEN = threading.local()
"""Of a worker's thread, which an OpenGL context belongs to: its engine and stock."""


def _make_engine(recipe: RenderRecipe, geometry: Geometry) -> RasterEngine | BlenderEngine:
    if recipe.engine == "blender":
        return BlenderEngine(geometry, recipe.size_px, recipe.samples)
    return RasterEngine(geometry, recipe.size_px)


def _close_engine() -> None:
    closing = getattr(_OPEN, "closing", None)
    if closing is not None:
        _OPEN.engine_key = None
        closing()
