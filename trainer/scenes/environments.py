"""Panoramas of real places to be reflected, from `environments.npz`.

They are CC0 1.0, from the packages bpy and @pmndrs/assets; the file lists package and SHA-256 of
each under `sources`. `convert_environments.py` makes it again.
"""

from functools import cache
from pathlib import Path

import numpy as np

from trainer.errors import SceneError

SHIPPED = Path(__file__).with_name("environments.npz")
SOURCES = "sources"


@cache
def environment_names() -> tuple[str, ...]:
    """The names of all panoramas, sorted."""
    with np.load(SHIPPED) as shipped:
        return tuple(sorted(name for name in shipped.files if name != SOURCES))


@cache
def environment(name: str) -> np.ndarray:
    """One panorama.

    Returns:
        (64, 128, 3) float32, linear, of mean luminance 1; rows from straight up to straight down;
        read-only.

    Raises:
        SceneError: There is none of this name.
    """
    if name not in environment_names():
        known = ", ".join(environment_names())
        raise SceneError(f"environment {name!r:.40}: not one of {known}; choose one of these")
    with np.load(SHIPPED) as shipped:
        panorama = shipped[name].astype(np.float32)
    panorama.setflags(write=False)
    return panorama
