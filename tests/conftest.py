"""What all tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest
import scipy.stats
import torch
import xarray as xr
from browser import chromium

import dpslib

# The tensors of the tests are small: cores that wait for each other would cost more than they bring.
torch.set_num_threads(1)

# Its checks say what they compared, as those of a test do.
pytest.register_assert_rewrite("accelerator")

ROOT = Path(__file__).resolve().parents[1]

#: A picture that was glued is no text to compare; nbval knows only the plain types of pictures.
GLUED_PICTURE = "application/papermill.record/image/png"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        compared = getattr(item.parent, "skip_compare", None)
        if isinstance(compared, tuple) and GLUED_PICTURE not in compared:
            item.parent.skip_compare = (*compared, GLUED_PICTURE)  # type: ignore[union-attr]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium for the tests of a module."""
    chrome = chromium(tmp_path_factory.mktemp("profile"))
    yield chrome
    chrome.quit()


@pytest.fixture
def written_and_read(tmp_path: Path) -> Callable[[xr.Dataset], xr.Dataset]:
    """Send a data set through a netCDF file."""

    def through_file(data: xr.Dataset) -> xr.Dataset:
        data.to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
        with xr.open_dataset(tmp_path / "data.nc", engine="h5netcdf") as read:
            return read.load()

    return through_file


@pytest.fixture
def survives_netcdf(written_and_read: Callable[[xr.Dataset], xr.Dataset]) -> Callable[[xr.Dataset], None]:
    """Check that a data set comes back from a netCDF file as it was."""

    def check(data: xr.Dataset) -> None:
        read = written_and_read(data)
        xr.testing.assert_equal(read, data)
        assert read.attrs == data.attrs
        assert {name: read[name].attrs for name in read.variables} == {
            name: data[name].attrs for name in data.variables
        }

    return check


def _reference_density(name: str, theta: np.ndarray, mu: float, sigma: float) -> np.ndarray:
    if name == "von_mises":
        return scipy.stats.vonmises.pdf(theta, sigma**-2, loc=mu)
    images = theta[:, None] - mu + 2 * np.pi * np.arange(-25, 26)
    return (np.exp(-0.5 * (images / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma)).sum(1)


def _reference_loss(
    mu: np.ndarray,
    sigma: np.ndarray,
    demand: np.ndarray,
    network: dpslib.Network,
    resource: float,
    convention: dpslib.Convention,
    communication: dpslib.Communication | None = None,
    stiffness: dpslib.Stiffness | None = None,
) -> float:
    """The loss of one system, written out agent by agent, without the library's code."""
    end = 2 * np.pi
    theta = np.linspace(0, end, convention.points, endpoint=convention.endpoint)
    spacing = theta[1] if convention.norm == "integral" else 1 / convention.points
    links, n = network.interaction.numpy(), len(mu)
    graph = networkx.Graph([(i, i) for i in range(n)] + list(zip(*np.nonzero(links), strict=True)))
    total = 0.0
    for members in networkx.connected_components(graph):
        made = np.zeros_like(theta)
        for i in members:
            alpha = links[:, i].sum() + network.self_production
            made += alpha * _reference_density(convention.density, theta, mu[i], sigma[i]) / resource
        below = {"none": made, "add": made + convention.floor_size, "clamp": np.maximum(made, convention.floor_size)}
        error = np.where(demand > made, (demand - made) / below[convention.floor], 0)
        power = (error**convention.p).sum() * spacing
        total += power ** (1 / convention.p) if convention.root else power

    def distance(a: float, b: float) -> float:
        apart = abs(a - b) % end
        return min(apart, end - apart)

    if communication is not None:
        for i, j in np.ndindex(n, n):
            scale = {
                "sum": sigma[i] + sigma[j],
                "root": np.hypot(sigma[i], sigma[j]),
                "none": 1.0,
            }[communication.scaling]
            total += float(communication.strength) * links[i, j] * distance(mu[i], mu[j]) / scale
    if stiffness is not None:
        targets = np.broadcast_to(stiffness.target.numpy(), n)
        pulls = [distance(a, b) ** stiffness.power for a, b in zip(mu, targets, strict=True)]
        total += float(stiffness.strength) * (np.mean(pulls) if stiffness.reduction == "mean" else np.sum(pulls))
    return total


@pytest.fixture(scope="session")
def reference_density() -> Callable[..., np.ndarray]:
    return _reference_density


@pytest.fixture(scope="session")
def reference_loss() -> Callable[..., float]:
    return _reference_loss
