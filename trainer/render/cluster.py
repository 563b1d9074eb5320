"""Where shards are drawn: processes of this machine, a Dask scheduler's workers, or SLURM jobs."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trainer.errors import RenderError
from trainer.render.recipe import Slurm

CONNECT_S = 15
WORKERS = "local, slurm, or a scheduler's address such as tcp://10.0.0.5:8786"


@contextmanager
def open_client(workers: str, processes: int | None, slurm: Slurm) -> Iterator[Any]:
    """Connect to workers, and start them unless they are a running scheduler's.

    Args:
        workers: "local", "slurm" or the address of a scheduler.
        processes: Workers to start; as many as this process may use cores if not given.
        slurm: What a SLURM job asks for.

    Yields:
        A `distributed.Client`.

    Raises:
        RenderError: A package is missing, nothing answers, or `workers` is none of these.
    """
    _check_address(workers, processes)
    quiet()
    try:
        from distributed import Client
    except ImportError as error:
        raise RenderError(
            f"rendering needs Dask ({error}); pip install 'bricksight[trainer]'"
        ) from error
    if "://" in workers:
        with _connected(Client, workers) as client:
            yield client
        return
    count = processes or len(os.sched_getaffinity(0))
    cluster = _local(count) if workers == "local" else slurm_cluster(slurm)
    with cluster, Client(cluster) as client:
        if workers == "slurm":
            cluster.scale(count)
        else:
            client.register_plugin(_deaf())
        yield client


def slurm_cluster(slurm: Slurm) -> Any:
    """A `dask_jobqueue.SLURMCluster`; no job is submitted before it is scaled.

    Raises:
        RenderError: dask-jobqueue is missing.
    """
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise RenderError(
            f"--workers slurm needs dask-jobqueue ({error}); pip install 'bricksight[slurm]'"
        ) from error
    return SLURMCluster(
        queue=slurm.queue,
        account=slurm.account,
        cores=slurm.cores,
        processes=slurm.cores,
        memory=slurm.memory,
        walltime=slurm.walltime,
        scheduler_options={"dashboard": False, "dashboard_address": None},
        silence_logs=logging.CRITICAL,
    )


def quiet() -> None:
    """Keep Dask's own messages of lost workers off the terminal: what is lost is drawn again."""
    for name in ("distributed", "dask_jobqueue", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _check_address(workers: str, processes: int | None) -> None:
    if workers not in ("local", "slurm") and "://" not in workers:
        raise RenderError(f"--workers: found {workers!r:.60}; allowed: {WORKERS}")
    if processes is not None and "://" in workers:
        raise RenderError(
            f"--processes: the scheduler at {workers} has workers of its own; leave it out"
        )


@contextmanager
def _connected(make_client: Any, address: str) -> Iterator[Any]:
    try:
        client = make_client(address, timeout=CONNECT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise RenderError(
            f"--workers: no scheduler answers at {address} ({error}); start one with `dask"
            f" scheduler`, and workers with `dask worker {address} --nthreads 1`"
        ) from error
    with client:
        if not client.scheduler_info(n_workers=1)["workers"]:
            raise RenderError(
                f"--workers: the scheduler at {address} has no worker; start some with `dask"
                f" worker {address} --nthreads 1`"
            )
        yield client


def _deaf() -> Any:
    """Keeps Ctrl-C, which the terminal sends to all processes, from the workers: we end them."""
    from distributed import WorkerPlugin

    class Deaf(WorkerPlugin):
        name = "deaf"

        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Deaf()


def _local(count: int) -> Any:
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        processes=True,
        memory_limit=0,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )
