"""OpenGL through EGL: a context, shader sources, uniforms."""

from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import RenderError

SHADERS = Path(__file__).with_name("shaders")


def set_matrix(program: Any, name: str, matrix: np.ndarray) -> None:
    """Give a program a matrix (4, 4); OpenGL reads it column by column."""
    program[name].write(matrix.T.astype("f4").tobytes())


def set_array(program: Any, name: str, rows: np.ndarray) -> None:
    """Give a program an array, as it lies in memory."""
    program[name].write(np.asarray(rows, "f4").tobytes())


def source(name: str) -> str:
    """A shader's text with what it includes."""
    text = (SHADERS / name).read_text(encoding="utf-8")
    return text.replace("#include lit", (SHADERS / "lit.glsl").read_text(encoding="utf-8"))


def open_context() -> Any:
    """A context without a window.

    Raises:
        RenderError: moderngl is not installed, or there is no OpenGL 3.3 through EGL.
    """
    try:
        import moderngl
    except ImportError as error:
        raise RenderError(
            f"the raster engine needs moderngl ({error}); pip install 'bricksight[trainer]'"
        ) from error
    try:
        return moderngl.create_context(
            standalone=True, backend="egl", require=330, libgl="libGL.so.1", libegl="libEGL.so.1"
        )
    except Exception as error:  # moderngl raises nothing narrower
        raise RenderError(
            f"no OpenGL 3.3 through EGL ({error}); install Mesa: apt install libegl1"
            " libgl1-mesa-dri"
        ) from error
