"""What runs here."""

import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

PACKAGES = {
    "Bricksight": ("bricksight",),
    "LiteRT": ("ai-edge-litert",),
    "tflite-runtime": ("tflite-runtime",),
    "OpenCV": ("opencv-python", "opencv-python-headless"),
    "numpy": ("numpy",),
    "Flask": ("flask",),
}
BOARD = Path("proc/device-tree/model")
RELEASE = Path("etc/os-release")


def versions(root: Path = Path("/")) -> dict[str, str]:
    """Names and versions, as a person would report them; what is not there is left out."""
    return dict(_found(root))


def _found(root: Path) -> Iterator[tuple[str, str]]:
    for name, packages in PACKAGES.items():
        for package in packages:
            try:
                yield name, metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
    yield "Python", platform.python_version()
    yield "kernel", f"{platform.release()} {platform.machine()}"
    if system := _release(root):
        yield "system", system
    try:
        # Of a device tree, whose texts end with a zero.
        yield "board", (root / BOARD).read_text(encoding="utf-8", errors="replace").strip("\x00\n ")
    except OSError:
        return


def _release(root: Path) -> str | None:
    try:
        lines = (root / RELEASE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("PRETTY_NAME", "").strip('"') or None
