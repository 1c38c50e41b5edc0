"""The twelve metrics that describe a workload (paper A, appendix D.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from dpslib._arguments import checked
from dpslib.circle import circular_distance, pairwise_distance
from dpslib.convention import Convention, get_convention
from dpslib.demand import Demand, Mixture, evaluate

METRICS: dict[str, str] = {
    "n_peaks": "peaks number",
    "spread": "spread",
    "entropy": "Shannon entropy",
    "renyi_entropy": "Rényi entropy",
    "fourier_1": "Fourier energy 1",
    "fourier_2": "Fourier energy 2",
    "fourier_3": "Fourier energy 3",
    "fourier_concentration": "Fourier concentration",
    "heterogeneity_low": "heterogeneity low",
    "peak_height": "peak height",
    "flatness": "flatness",
    "circular_variance": "circular variance",
}
"""The metrics' names in the data, and in the paper."""


@checked
def workload_metrics(demands: Demand | Sequence[Demand], convention: str | Convention = "identified") -> xr.Dataset:
    """Return the twelve metrics of each demand.

    Args:
        demands: one demand or several.
        convention: a convention or its name; its grid is the one that the metrics are taken on.

    Returns:
        A data set with the dimension `demand` and one variable for each name in `METRICS`. The number of peaks and
        their spread (radians) are those of the mixture's components; other demands have none.

    Raises:
        TypeError, ValueError: if a demand is not valid or holds a batch.

    Source: paper A, appendix D.2.
    """
    convention = get_convention(convention)
    several = [demands] if isinstance(demands, Demand) else demands
    if not isinstance(several, Sequence) or not all(isinstance(one, Demand) for one in several):
        raise TypeError(f"demands must be a demand or a sequence of demands; got {demands!r}")
    if not several:
        raise ValueError(f"demands must hold at least one demand; got {demands!r}")
    values = torch.stack([evaluate(one, convention) for one in several])
    if values.ndim != 2:
        raise ValueError(f"demands must be single demands, not batches; got values of shape {tuple(values.shape)}")
    grid = convention.grid()
    step = grid.spacing
    normalised = values / grid.integrate(values).unsqueeze(-1)
    centred = values - values.mean(-1, keepdim=True)
    power = torch.fft.rfft(centred).abs() ** 2
    energy = power[:, 1:4] / power.sum(-1, keepdim=True).clamp_min(torch.finfo(power.dtype).tiny)
    # 0 log 0 counts as 0.
    surprise = torch.special.entr(normalised)
    kernel = torch.exp(-pairwise_distance(grid.theta) / math.pi)
    # A constant demand has no fourth moment to speak of: 0/0 is left as NaN and said so.
    flatness = (centred**4).sum(-1) * step / ((centred**2).sum(-1) * step) ** 2
    resultant = (normalised * torch.exp(1j * grid.theta)).sum(-1).abs() * step
    metrics = {
        "n_peaks": torch.tensor([float(len(_centres(one))) for one in several], dtype=torch.float64),
        "spread": torch.tensor([_spread(_centres(one)) for one in several], dtype=torch.float64),
        "entropy": surprise.sum(-1) * step,
        "renyi_entropy": -torch.log((normalised**2).sum(-1) * step),
        "fourier_1": energy[:, 0],
        "fourier_2": energy[:, 1],
        "fourier_3": energy[:, 2],
        "fourier_concentration": energy.sum(-1),
        "heterogeneity_low": 1 / (step**2 * ((normalised @ kernel) * normalised).sum(-1)),
        "peak_height": values.amax(-1),
        "flatness": torch.where(values.std(-1) > 1e-12 * values.mean(-1), flatness, torch.nan),
        "circular_variance": 1 - resultant,
    }
    return xr.Dataset(
        {name: ("demand", np.asarray(metric), {"long_name": METRICS[name]}) for name, metric in metrics.items()},
        attrs={"convention": convention.to_json(), "source": "paper A, appendix D.2"},
    )


def _centres(demand: Demand) -> Tensor:
    return demand.centres if isinstance(demand, Mixture) else torch.zeros(0)


def _spread(centres: Tensor) -> float:
    if len(centres) < 2:
        return 0.0
    return float(circular_distance(centres.unsqueeze(-1), centres.unsqueeze(-2)).max())
