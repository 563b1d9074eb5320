"""The runtime: the one that works is chosen, and one that does not is explained."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edge.bundle import Bundle
from edge.errors import InterpreterError
from edge.interpreter import RUNTIMES, TINY_MODEL, Interpreter, choose_runtime


class Working:
    """A runtime that builds everything."""

    def __init__(self, **_: object) -> None: ...

    def allocate_tensors(self) -> None: ...


def failing(error: Exception) -> type:
    """A runtime that imports, and fails when an interpreter is built."""

    class Failing(Working):
        def __init__(self, **_: object) -> None:
            raise error

    return Failing


def install(monkeypatch: pytest.MonkeyPatch, name: str, interpreter: object = None) -> str:
    """Put a module of that name, with that Interpreter, where imports find it."""
    package = name.split(".")[0]
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    module = ModuleType(name)
    if interpreter is not None:
        module.Interpreter = interpreter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    return name


# --- which runtime ---


def test_this_machine_has_a_runtime() -> None:
    package, build = choose_runtime()
    assert package in [name.split(".")[0] for name in RUNTIMES]
    engine = build(model_content=TINY_MODEL, num_threads=1)
    engine.allocate_tensors()
    (given,), (answer,) = engine.get_input_details(), engine.get_output_details()
    engine.set_tensor(given["index"], np.array([2.5], np.float32))
    engine.invoke()
    # The tiny model adds one.
    assert engine.get_tensor(answer["index"]) == 3.5


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), ValueError("no"), SystemError("no"), ImportError("no")]
)
def test_a_runtime_that_imports_and_cannot_build_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    broken = install(monkeypatch, "first_runtime.interpreter", failing(error))
    works = install(monkeypatch, "second_runtime.interpreter", Working)
    assert choose_runtime((broken, works)) == ("second_runtime", Working)


def test_the_first_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    first = install(monkeypatch, "first_runtime.interpreter", Working)
    second = install(monkeypatch, "second_runtime.interpreter", failing(RuntimeError("unused")))
    assert choose_runtime((first, second))[0] == "first_runtime"


def test_a_module_without_an_interpreter_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = install(monkeypatch, "first_runtime.interpreter")
    works = install(monkeypatch, "second_runtime.interpreter", Working)
    assert choose_runtime((empty, works))[0] == "second_runtime"


def test_the_numpy_trap_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trapped = failing(AttributeError("_ARRAY_API not found"))
    name = install(monkeypatch, "tflite_runtime.interpreter", trapped)
    monkeypatch.setattr(np, "__version__", "2.3.1")
    with pytest.raises(InterpreterError) as refused:
        choose_runtime((name,))
    message = str(refused.value)
    assert "built for numpy 1 and finds numpy 2.3.1" in message
    assert "_ARRAY_API not found" in message
    assert "pip install 'numpy<2'" in message


def test_numpy_1_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    name = install(monkeypatch, "tflite_runtime.interpreter", failing(RuntimeError("no memory")))
    monkeypatch.setattr(np, "__version__", "1.26.4")
    with pytest.raises(InterpreterError, match="tflite_runtime: RuntimeError: no memory"):
        choose_runtime((name,))


def test_no_runtime_is_an_error_with_both_reasons_and_the_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in RUNTIMES:
        monkeypatch.setitem(sys.modules, name.split(".")[0], None)
        monkeypatch.delitem(sys.modules, name, raising=False)
    missing = "runtime_that_is_not_there.interpreter"
    with pytest.raises(InterpreterError) as refused:
        choose_runtime((*RUNTIMES, missing))
    message = str(refused.value)
    assert "pip install 'ai-edge-litert" in message
    assert "ai_edge_litert: " in message
    assert "tflite_runtime: " in message
    assert "runtime_that_is_not_there: not installed" in message
    assert isinstance(refused.value, RuntimeError)


# --- one model ---


@pytest.fixture
def tiny(tmp_path: Path) -> Interpreter:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(TINY_MODEL)
    return Interpreter(path)


def ones(*values: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array(values, np.float32)


def test_a_model_says_what_it_takes_and_gives(tiny: Interpreter) -> None:
    assert tiny.inputs == (((1,), np.dtype(np.float32)),)
    assert tiny.outputs == (((1,), np.dtype(np.float32)),)
    assert tiny.operators


def test_outputs_are_copies(tiny: Interpreter) -> None:
    (first,) = tiny.run(ones(1))
    (second,) = tiny.run(ones(10))
    assert (first, second) == (2, 11)
    second[0] = 99
    assert tiny.run(ones(10)) == (11,)


def test_an_input_of_another_type_is_refused(tiny: Interpreter, tmp_path: Path) -> None:
    with pytest.raises(InterpreterError) as refused:
        tiny.run(np.array([1], np.uint8))
    assert str(tmp_path / "tiny.tflite") in str(refused.value)
    assert "(1,) uint8" in str(refused.value)
    assert tiny.run(ones(1)) == (2,)


@pytest.mark.parametrize("count", [0, 2])
def test_another_number_of_inputs_is_refused(tiny: Interpreter, count: int) -> None:
    with pytest.raises(InterpreterError):
        tiny.run(*[ones(1)] * count)


def test_an_input_of_another_shape_is_refused_and_the_right_one_still_runs(
    shipped: Bundle,
) -> None:
    model = Interpreter(shipped.path("classifier"))
    size = shipped.preprocessing.size_px
    right = np.zeros((1, size, size, 3), np.uint8)
    (before,) = model.run(right)
    for shape in ((1, 7, 5, 3), (1, size + 32, size + 32, 3), (2, size, size, 3), (size, size, 3)):
        with pytest.raises(InterpreterError, match=re.escape(f"{shape} uint8")) as refused:
            model.run(np.zeros(shape, np.uint8))
        assert f"expected an input of (1, {size}, {size}, 3)" in str(refused.value)
    (after,) = model.run(right)
    np.testing.assert_array_equal(before, after)


# A damaged model is caught by its checksum: tflite-runtime itself does not survive one.
@pytest.mark.parametrize("content", [b"", b"no model", b"no model, but long enough" * 99])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(InterpreterError, match=r"model\.tflite: .* cannot run this model"):
        Interpreter(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=r"nowhere\.tflite"):
        Interpreter(tmp_path / "nowhere.tflite")
