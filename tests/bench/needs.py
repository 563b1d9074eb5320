"""What the measurements need, and what to do where it is missing."""

import importlib
from pathlib import Path
from types import ModuleType

INSTALL = {
    "tensorflow": "pip install -e '.[trainer]'",
    "keras": "pip install -e '.[trainer]'",
    "torch": "pip install 'torch>=2.6,<3'",
    "pytorch_grad_cam": "pip install --no-deps 'grad-cam>=1.5.5,<1.6' 'ttach>=0.0.3,<0.1'",
    "matplotlib": "pip install 'matplotlib>=3.9,<4'",
    "scipy": "pip install 'scipy>=1.13,<2'",
    "sklearn": "pip install 'scikit-learn>=1.5,<2'",
    "tqdm": "pip install 'tqdm>=4.66,<5'",
    "ttach": "pip install 'ttach>=0.0.3,<0.1'",
    "onnx": "pip install 'onnx>=1.17,<2'",
    "onnxruntime": "pip install 'onnxruntime>=1.20,<2'",
}


class CannotMeasure(Exception):
    """A figure cannot be taken; says what was found and what to do."""


def need(module: str) -> ModuleType:
    """Import a module.

    Raises:
        CannotMeasure: It, or what it imports, is missing or broken; the message has the install
            line.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).split(".")[0]
        line = INSTALL.get(missing, f"pip install {missing}")
        absent = isinstance(error, ModuleNotFoundError)
        found = "is not installed here" if absent else f"cannot be imported here ({error})"
        raise CannotMeasure(
            f"{missing} {found}; `make bench` sets up .venv-bench with it, or: {line}"
        ) from error


def need_file(path: Path, what: str) -> Path:
    """The path.

    Raises:
        CannotMeasure: Nothing is there.
    """
    if not path.exists():
        raise CannotMeasure(f"{path}: not there; expected {what}")
    return path
