import multiprocessing
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from drawing import COUNT, RECIPE

COMMAND = Path(sys.executable).with_name("bricksight-trainer")


@pytest.fixture(scope="session")
def drawn_in_child():
    """Calls a function in a process without TensorFlow, which must not meet Mesa's LLVM."""
    os.environ.setdefault("LP_NUM_THREADS", "1")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


@pytest.fixture
def in_new_child():
    """As `drawn_in_child`, in a process of its own that ends with the test."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


@pytest.fixture(scope="session")
def trainer_command() -> Callable[..., Any]:
    """Runs bricksight-trainer; `file_bytes_max` ends the disk early."""

    def run(*arguments: object, file_bytes_max: int | None = None) -> Any:
        def limit() -> None:
            if file_bytes_max is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max,) * 2)

        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            capture_output=True,
            text=True,
            preexec_fn=limit,
            env=os.environ | {"MESA_SHADER_CACHE_DISABLE": "true", "COLUMNS": "400"},
        )

    return run


@pytest.fixture(scope="session")
def render_recipe(tmp_path_factory):
    """A render recipe of tiny pictures."""
    path = tmp_path_factory.mktemp("recipe") / "tiny-piles.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="session")
def rendered(render_recipe, trainer_command, tmp_path_factory):
    """Five tiny pictures in three shards, by the command; not to be changed."""
    folder = tmp_path_factory.mktemp("rendered") / "data"
    done = trainer_command(
        "render", render_recipe, "--out", folder, "--count", COUNT, "--processes", 1
    )
    assert done.returncode == 0, done.stderr
    assert f"{COUNT} pictures, {COUNT} of them drawn now" in done.stdout
    return folder
