"""Measurements in processes of their own.

TensorFlow and Mesa's software renderer must not meet in one process, and a figure of one core is
taken by a process that may use no other.
"""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from tests.bench.needs import CannotMeasure
from trainer.render.worker import end_with_parent


def in_child(function: Callable[..., Any], *arguments: Any, one_core: bool = False) -> Any:
    """What a function gives in a new process, which ends with this one.

    Args:
        function: Of a module that imports neither TensorFlow nor Keras at its top.
        arguments: What it takes.
        one_core: Whether the process, and all it starts, share one core.

    Raises:
        CannotMeasure: The process died.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=_begin, initargs=(one_core,)) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise CannotMeasure(
                "the measuring process died, perhaps for want of memory; the same command goes on"
            ) from error


def _begin(one_core: bool) -> None:
    # Mesa's renderer reads this when the first context is made.
    os.environ["LP_NUM_THREADS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    end_with_parent()
    if one_core:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
