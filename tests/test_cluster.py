"""Runs on a Dask cluster: the local result bit for bit, also when a worker dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster

from dpslib import IDENTIFIED, Adam, Newton, Solution, mixture, solve

FIVE = mixture([0.3, 1.4, 2.9, 4.1, 5.5], [0.3, 0.4, 0.35, 0.5, 0.4], weights=[1, 2, 1, 3, 2])


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as connected,
    ):
        yield connected


def run(**changes) -> Solution:
    usual = {"runs": 130, "convention": IDENTIFIED.replace(points=128), "stiffness": [0.0, 0.1], "progress": False}
    return solve(FIVE, 3, **usual | changes)


def assert_same_bits(a: Solution, b: Solution) -> None:
    assert a.data.attrs == b.data.attrs
    for name in a.data.variables:
        np.testing.assert_array_equal(a.data[name].values, b.data[name].values, err_msg=str(name))


def some_done(dask_scheduler: Any) -> bool:
    return any(task.state == "memory" for task in dask_scheduler.tasks.values())


@pytest.mark.parametrize("optimiser", [Adam(), Newton()], ids=["adam", "newton"])
def test_the_result_is_the_local_one(client: Client, optimiser: Adam | Newton) -> None:
    assert_same_bits(run(client=client, optimiser=optimiser, max_steps=80), run(optimiser=optimiser, max_steps=80))


def test_a_killed_worker_costs_only_what_it_had_in_hand(client: Client) -> None:
    settings = {"optimiser": Adam(), "max_steps": 600, "patience": 600}
    workers = client.run(os.getpid)

    def kill() -> None:
        # As soon as some of the work is done.
        deadline = time.monotonic() + 60
        while not client.run_on_scheduler(some_done):
            if time.monotonic() > deadline:
                return
            time.sleep(0.05)
        os.kill(next(iter(workers.values())), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = run(client=client, **settings)
    killer.join()
    assert set(client.run(os.getpid).values()) != set(workers.values()), "the worker outlived the work"
    assert_same_bits(found, run(**settings))


def test_what_is_no_client_is_refused() -> None:
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client; got 'localhost'"):
        run(client="localhost")
