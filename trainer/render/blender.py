"""The quality engine: Cycles, through Blender's Python module in a process of its own.

What is where in a picture, and how much of it shows, is the raster engine's answer: both see the
same geometry through the same camera.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from trainer.errors import RenderError
from trainer.render.bodies import Body, bodies_of, mean_albedo
from trainer.render.drawn import Drawn
from trainer.render.lens import shaken
from trainer.render.raster import BEVEL_MM, GROUND_MM, RasterEngine
from trainer.render.shape import SHAPE_STEPS, shape_of
from trainer.scenes.geometry import Geometry
from trainer.scenes.grounds import ground_colours
from trainer.scenes.mesh import Mesh
from trainer.scenes.scene import Ground, Scene, view_matrix
from trainer.scenes.sky import panorama

VARIABLE = "BRICKSIGHT_BLENDER"
CHILD = Path(__file__).with_name("blender_child.py")
SAMPLES = 8
LAST_LINES = 6
INSTALL = (
    "python3.11 -m venv .venv-render && .venv-render/bin/pip install 'bpy==4.5.*', then set"
    f" {VARIABLE}=.venv-render/bin/python (bpy has packages for Python 3.11 and 3.13 on x86-64)"
)


class BlenderEngine:
    """Draws scenes with Cycles; one process, one thread.

    Args:
        geometry: Shapes of the parts.
        size_px: Side of the pictures.
        samples: Light paths a pixel, before the denoiser.
        python: A Python that has bpy; see `find_blender`.

    Raises:
        RenderError: There is no such Python, or no OpenGL.
    """

    def __init__(
        self,
        geometry: Geometry,
        size_px: int = 256,
        samples: int = SAMPLES,
        python: Path | None = None,
    ):
        self.size_px, self._samples = size_px, samples
        self._geometry = geometry
        self._python = python or find_blender()
        self._marks = RasterEngine(geometry, size_px)
        self._folder = tempfile.TemporaryDirectory(prefix="bricksight-blender-")
        self._log = (Path(self._folder.name) / "log").open("w+", encoding="utf-8")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "BlenderEngine":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process; safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None
        self._log.close()
        self._marks.close()
        self._folder.cleanup()

    def draw(self, scene: Scene) -> Drawn:
        """Draw a scene.

        Raises:
            RenderError: Blender fails; the message has its last lines.
            GeometryError, PictureError: As the raster engine.
        """
        marked = self._marks.draw(scene)
        out = Path(self._folder.name) / "picture.png"
        out.unlink(missing_ok=True)
        self._ask(self._job(scene, out))
        image = cv2.imread(str(out), cv2.IMREAD_COLOR)
        if image is None:
            raise RenderError(f"Blender wrote no picture; {self._last_lines()}")
        image = shaken(image[..., ::-1].copy(), scene.camera)
        return Drawn(scene, image, marked.ids, marked.visible_px, marked.full_px)

    def _job(self, scene: Scene, out: Path) -> dict[str, Any]:
        data = asdict(scene)
        data["camera"]["view"] = view_matrix(scene.camera).tolist()
        folder = Path(self._folder.name)
        sky = folder / "sky.npy"
        np.save(sky, panorama(scene.sky, mean_albedo(scene.ground)))
        return {
            "scene": data,
            "bodies": [self._body(body, frozenset(scene.realism)) for body in bodies_of(scene)],
            "bevel_mm": BEVEL_MM if "bevels" in scene.realism else 0.0,
            "ground_mm": GROUND_MM,
            "ground_uv": _ground_uv(scene.ground),
            "ground_picture": str(_write_ground(scene.ground, folder / "ground.png")),
            "panorama": str(sky),
            "size_px": self.size_px,
            "samples": self._samples,
            "out": str(out),
        }

    def _body(self, body: Body, realism: frozenset[str]) -> dict[str, Any]:
        return {
            "mesh": str(self._mesh_file(body.key, realism)),
            "matrix": body.matrix.tolist(),
            "albedo": body.albedo,
            "opacity": body.opacity,
            "roughness": body.roughness,
        }

    def _mesh_file(self, key: str, realism: frozenset[str]) -> Path:
        variant = "-".join(sorted(realism & SHAPE_STEPS))
        path = Path(self._folder.name) / f"mesh-{key.replace('@', '_')}-{variant}.npz"
        if not path.exists():
            mesh = shape_of(key, realism, self._geometry)
            vertices, faces = indexed(mesh)
            np.savez(path, vertices=vertices, faces=faces, normals=mesh.normals)
        return path

    def _ask(self, job: dict[str, Any]) -> None:
        process = self._started()
        questions, answers = process.stdin, process.stdout
        if questions is None or answers is None:
            raise RenderError("Blender's process has no pipes")
        try:
            questions.write(json.dumps(job) + "\n")
            questions.flush()
            answer = answers.readline().strip()
        except OSError as error:
            raise RenderError(f"Blender ended ({error}); {self._last_lines()}") from error
        if answer != "done":
            raise RenderError(
                f"Blender {answer or 'ended'}: seed {job['scene']['seed']}; {self._last_lines()}"
            )

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [str(self._python), str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
            )
        return self._process

    def _last_lines(self) -> str:
        self._log.flush()
        lines = Path(self._log.name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "its last words: " + " | ".join(lines[-LAST_LINES:])


def find_blender() -> Path:
    """A Python that has bpy: the one BRICKSIGHT_BLENDER names, or this one.

    Raises:
        RenderError: There is none.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise RenderError(f"{VARIABLE}={named}: no such file; {INSTALL}")
        return path
    if importlib.util.find_spec("bpy") is None:
        raise RenderError(f"the blender engine needs bpy; {INSTALL}")
    return Path(sys.executable)


def indexed(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (v, 3) float32 and faces (t, 3) int32 of a mesh; equal corners become one."""
    corners = mesh.triangles.reshape(-1, 3)
    _, first, inverse = np.unique(
        np.round(corners / 0.005).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    return corners[first], inverse.reshape(-1, 3).astype(np.int32)


def _ground_uv(ground: Ground) -> list[list[float]]:
    turn = np.radians(ground.rotation_deg)
    c, s = np.cos(turn) / ground.tile_mm, np.sin(turn) / ground.tile_mm
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * GROUND_MM
    # As the raster engine's shader: columns (c, s) and (-s, c).
    uv = corners @ np.array([[c, -s], [s, c]]).T + np.asarray(ground.offset)
    return [[float(u), float(v)] for u, v in uv]


def _write_ground(ground: Ground, path: Path) -> Path:
    # Rows of a texture begin below, those of a picture above.
    linear = np.clip(ground_colours(ground)[::-1], 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    cv2.imwrite(str(path), (srgb[..., ::-1] * 255 + 0.5).astype(np.uint8))
    return path
