"""The only importer of a TFLite runtime."""

import base64
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import InterpreterError

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")

# A model of one ADD, float32 (1,) -> (1,): what a runtime is probed with.
TINY_MODEL = base64.b64decode(
    "HAAAAFRGTDMUACAAHAAYABQAEAAMAAAACAAEABQAAAAcAAAAjAAAAOQAAACsAQAAvAEAABQDAAADAAAAAQAAABAA"
    "AAAAAAoAEAAMAAgABAAKAAAADAAAABwAAAA8AAAADwAAAHNlcnZpbmdfZGVmYXVsdAABAAAABAAAAJz///8CAAAA"
    "BAAAAAgAAABvdXRwdXRfMAAAAAABAAAABAAAAOb+//8EAAAAAQAAAHgAAAACAAAANAAAAAQAAADc////BQAAAAQA"
    "AAATAAAAQ09OVkVSU0lPTl9NRVRBREFUQQAIAAwACAAEAAgAAAAEAAAABAAAABMAAABtaW5fcnVudGltZV92ZXJz"
    "aW9uAAYAAADEAAAAvAAAAKgAAACYAAAAdAAAAAQAAABu////BAAAAGAAAAAQAAAAAAAAAAgADgAIAAQACAAAABAA"
    "AAAkAAAAAAAGAAgABAAGAAAABAAAAAAAAAAMABgAFAAQAAwABAAMAAAA/1urY30g3YkBAAAAAgAAAAQAAAAGAAAA"
    "Mi4yMS4wAADa////BAAAABAAAAAxLjUuMAAAAAAAAAAAAAAABAAGAAQAAAAAAAYACAAEAAYAAAAEAAAABAAAAAAA"
    "gD+A/v//hP7//w8AAABNTElSIENvbnZlcnRlZC4AAQAAABQAAAAAAA4AGAAUABAADAAIAAQADgAAABQAAAAcAAAA"
    "XAAAAGAAAABkAAAABAAAAG1haW4AAAAAAQAAABQAAAAAAA4AFAAAABAADAALAAQADgAAABAAAAAAAAALDAAAABAA"
    "AAAE////AQAAAAIAAAACAAAAAAAAAAEAAAABAAAAAgAAAAEAAAAAAAAAAwAAAIwAAABEAAAABAAAAJb///8AAAAB"
    "EAAAABAAAAADAAAAIAAAAFT///8RAAAAUGFydGl0aW9uZWRDYWxsOjAAAAABAAAAAQAAANL///8AAAABEAAAABAA"
    "AAACAAAAFAAAAJD///8FAAAAYWRkL3kAAAAAAAAAAAAWABgAFAAAABAADAAIAAAAAAAAAAcAFgAAAAAAAAEQAAAA"
    "EAAAAAEAAAAgAAAA1P///xMAAABzZXJ2aW5nX2RlZmF1bHRfeDowAAEAAAABAAAAAQAAAAgAAAAEAAQABAAAAA=="
)


class Runtime(Protocol):
    """What ai-edge-litert and tflite-runtime share."""

    def allocate_tensors(self) -> None: ...
    def resize_tensor_input(self, index: int, shape: list[int]) -> None: ...
    def get_input_details(self) -> list[dict[str, Any]]: ...
    def get_output_details(self) -> list[dict[str, Any]]: ...
    def set_tensor(self, index: int, value: NDArray[Any]) -> None: ...
    def get_tensor(self, index: int) -> NDArray[Any]: ...
    def invoke(self) -> None: ...


def choose_runtime(names: tuple[str, ...] = RUNTIMES) -> tuple[str, Callable[..., Runtime]]:
    """Find a runtime that can *build* an interpreter; an import alone proves nothing.

    Returns:
        The package's name and its Interpreter class.

    Raises:
        InterpreterError: None works; says why for each and what to install.
    """
    failures = []
    for name in names:
        package = name.split(".")[0]
        try:
            build = importlib.import_module(name).Interpreter
            build(model_content=TINY_MODEL, num_threads=1).allocate_tensors()
        except (ImportError, AttributeError, RuntimeError, ValueError, SystemError) as error:
            failures.append(f"{package}: {_reason(package, error)}")
        else:
            return package, build
    raise InterpreterError(
        "no TFLite runtime works here; install one: pip install 'ai-edge-litert>=2.1,<3', or on"
        " 32-bit Raspberry Pi OS pip install 'tflite-runtime==2.14.0' 'numpy<2'\n  "
        + "\n  ".join(failures)
    )


def _reason(package: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name == package:
        return "not installed"
    if package == "tflite_runtime" and int(np.__version__.split(".")[0]) >= 2:
        return (
            f"it was built for numpy 1 and finds numpy {np.__version__} (it imports, and then"
            f" cannot run: {error}); pip install 'numpy<2'"
        )
    return f"{type(error).__name__}: {error}"


class Interpreter:
    """One TFLite model, used by one thread only; outputs are copies.

    Args:
        path: The .tflite file.
        threads: CPU threads of the runtime.
        to_run: False only looks at inputs and outputs, without the memory that running takes.

    Raises:
        InterpreterError: No runtime works, or this model does not run on it.
    """

    def __init__(self, path: Path, threads: int = 1, to_run: bool = True) -> None:
        self.runtime, build = choose_runtime()
        try:
            self._engine = build(model_path=str(path), num_threads=threads)
            if to_run:
                self._engine.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise InterpreterError(
                f"{path}: {self.runtime} cannot run this model: {error}"
            ) from error
        self._path = path
        self._inputs = sorted(self._engine.get_input_details(), key=lambda d: str(d["name"]))
        self._outputs = sorted(self._engine.get_output_details(), key=lambda d: str(d["name"]))

    @property
    def inputs(self) -> tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]:
        """Shape (-1 where it may vary) and dtype of each input, in the order of their names."""
        return tuple(_shape_and_dtype(d) for d in self._inputs)

    @property
    def outputs(self) -> tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]:
        """Shape and dtype of each output, in the order of their names."""
        return tuple(_shape_and_dtype(d) for d in self._outputs)

    @property
    def operators(self) -> tuple[str, ...]:
        """Names of what runs, in order; a part taken over by XNNPACK is one "DELEGATE"."""
        listing: Any = self._engine
        return tuple(str(op["op_name"]) for op in listing._get_ops_details())

    def run(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run the model once.

        Args:
            inputs: One array for each input, in the order of their names, of its dtype.

        Returns:
            Copies of the outputs, in the order of their names.

        Raises:
            InterpreterError: An input does not fit.
        """
        try:
            self._fit(inputs)
            for detail, value in zip(self._inputs, inputs, strict=True):
                self._engine.set_tensor(detail["index"], value)
            self._engine.invoke()
        except (RuntimeError, ValueError) as error:
            found = ", ".join(f"{i.shape} {i.dtype}" for i in inputs)
            raise InterpreterError(f"{self._path}: {error} (inputs: {found})") from error
        return tuple(np.array(self._engine.get_tensor(d["index"])) for d in self._outputs)

    def _fit(self, inputs: tuple[NDArray[Any], ...]) -> None:
        # A network of convolutions alone would run on any size, and answer something else.
        for (wanted, _), value in zip(self.inputs, inputs, strict=True):
            if not _may_be(value.shape, wanted):
                raise ValueError(f"expected an input of {wanted}, -1 being any number")
        changed = False
        for detail, value in zip(self._inputs, inputs, strict=True):
            if tuple(detail["shape"]) != value.shape:
                self._engine.resize_tensor_input(detail["index"], list(value.shape))
                detail["shape"] = np.array(value.shape)
                changed = True
        if changed:
            self._engine.allocate_tensors()


def _may_be(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        side in (found, -1) for found, side in zip(shape, wanted, strict=True)
    )


def _shape_and_dtype(detail: dict[str, Any]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    shape = detail.get("shape_signature", detail["shape"])
    return tuple(int(side) for side in shape), np.dtype(detail["dtype"])
