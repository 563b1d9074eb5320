"""What is *not* loaded: the device runs without the training stack, the bridge without numpy."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAINING = {"tensorflow", "keras", "sklearn", "matplotlib", "jax", "torch", "trainer", "h5py"}
DEVICE = {"numpy", "cv2", "flask", "pydantic", "edge", "trainer", "waitress", "typer"}


def loaded(*modules: str) -> set[str]:
    """Top packages that a fresh interpreter has loaded after these imports."""
    code = (
        f"import {', '.join(modules)}, sys\n"
        "print('\\n'.join({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["edge.app", "edge.check", "edge.label"])
def test_the_device_loads_nothing_of_the_training_stack(module: str) -> None:
    assert loaded(module) & TRAINING == set()


NEEDS_MORE = ("cli.py",)
"""What shows things to people; the bridge itself shows nothing."""
DRIVER_LIBRARIES = ("serial", "pymodbus", "paho", "gpiozero")
"""Each adapter may need its own, which is not everywhere."""


def test_the_bridge_needs_the_standard_library_alone() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / "sorter_firmware_bridge").rglob("*.py"))
        if path.name not in NEEDS_MORE
    ]
    assert "sorter_firmware_bridge.drivers.simulated" in modules
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"
        f"        if error.name.partition('.')[0] not in {DRIVER_LIBRARIES!r}: raise\n"
        "print('\\n'.join({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & DEVICE == set()


@pytest.mark.parametrize("module", ["link", "protocol", "frames", "clock", "drivers.simulated"])
def test_the_link_itself_loads_no_driver_library(module: str) -> None:
    assert loaded(f"sorter_firmware_bridge.{module}") & set(DRIVER_LIBRARIES) == set()


def test_asking_for_help_loads_no_model_and_no_camera() -> None:
    found = loaded("edge.cli")
    assert found & {"numpy", "cv2", "flask", "ai_edge_litert", "tflite_runtime"} == set()
