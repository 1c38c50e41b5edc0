# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# (solver)=
# # The solver
#
# To solve a system is to find the centres $\mu_i$ and breadths $\sigma_i$ of its $N$ agents that minimise the loss
# $L = L_m + L_c + L_s$. `dpslib.solve` does this for many systems, and many random starts of each, in one call. This page says
# how, how fast beside others, and whether any claim depends on it.

# %%
import json

import matplotlib.pyplot as plt
import pandas as pd

import dpslib
from dpslib import claims, ledger
from dpslib.notebook import cite, provenance, setup, show, table
from dpslib.plots import solver as draw
from dpslib.plots.style import panel_letters
from dpslib.solver import NEWTON_AGENTS

# %% tags=["parameters"]
scale = "reader"  # smoke (seconds), reader, or paper
seed = 0  # run r starts from the seed `seed + r`
device = "cpu"  # cpu or cuda
convention = "identified"  # identified (by the printed numbers) or paper_text (as the paper writes it)

# %%
run = setup(scale, seed, device, convention, "own")

# %%
strengths = [0.0, 0.01, 0.1, 1.0]
solution = dpslib.solve(
    dpslib.mixture(centres=[0.8, 2.0, 3.9, 5.5], sigmas=0.4),
    n_agents=6,
    stiffness=strengths,
    runs={"smoke": 8, "reader": 32, "paper": 128}[run.scale],
    dims=["stiffness"],
    **run.options,
)
cite("newton-agents", NEWTON_AGENTS)
spread = solution.minima().to_dataframe().assign(stiffness=strengths)

# %% typed="six, four: our setting"
table(
    spread[["stiffness", "best", "median", "worst", "share", "count"]],
    label="tab-c-minima",
    caption="Six agents before four modes under a linear stiffness of several strengths: best, median and worst loss over random starts, "
    "the share of starts that reach the best one, and how many different minima they found.",
    formats={"best": ".4f", "median": ".4f", "worst": ".4f", "share": ".0%"},
)

# %% [markdown]
# % typed two: the ways that the section lists
# ## Two ways down
#
# **Newton's method** is the default for up to {glue:text}`newton-agents` agents. A system has $2N$ unknowns only, and the
# mismatch is a norm of a convex function of production, so that its matrix of second derivatives is cheap:
#
# $$
# \begin{aligned}
# \nabla^2 L_m &= J D J^\top + \big(\text{a } 2 \times 2 \text{ block for each agent}\big), \\
# J_{i\theta} &= \frac{\alpha_i}{R} \frac{\partial w_i(\theta)}{\partial (\mu_i, \sigma_i)} ,
# \end{aligned}
# $$ (eq-hessian)
#
# with $D \ge 0$ diagonal on the grid. Only the blocks, which come from the bend of the densities themselves, can be
# negative. Where the whole is not positive definite they are replaced by their absolute value. Steps are damped
# {cite:p}`marquardt1963`, run by run. Where the penalty of a linear stiffness has a kink, a centre that would cross its
# target stays on it until the task pulls harder than the penalty holds {cite:p}`andrew2007`.
#
# **Adam** and **plain gradient descent** are the paper's way. They are used in this book wherever the place at which a run
# stops decides the result. That is so with abundant resources, where the optimum is not a point but a set and a run keeps
# what its start gave it; in the firm's rank correlations, which see the smallest difference; and for every claim about the
# optimiser itself. Each experiment says which it uses.
#
# A run ends as `converged` (nothing is left to gain), by `patience` (so many steps without an improvement), or at the `step
# limit`. `solution.data` holds this for each run, with the number of iterations, the norm of the gradient, the loss with its
# parts, and the seed.
#
# The loss has local minima. `solution.best()` keeps the best run of each problem; `solution.minima()` tells how the others
# spread ({numref}`tab-c-minima`). A claim about the optimum needs the former, a claim about what descent finds the latter.
#
# ## Does a claim depend on it?
#
# All notebooks were executed at the paper's scale, once with every system solved by Adam and once by Newton's method
# (`dps record paper-adam -p scale paper -p optimiser adam`, and the same for `newton`; experiments that compare optimisers keep
# theirs). {numref}`tab-c-optimisers` lists the claims for which the verdict differs. It is recorded, not computed with this page.

# %%
found = {
    "adam": ledger.recorded("paper-adam"),
    "newton": ledger.recorded("paper-newton"),
}
printed = claims.load()
path = "The loss at the optimum is nearly 0: Adam stops short of it, Newton's method goes on. "
order = "At the optimum large systems are more heterogeneous than where Adam stops, which changes the order of close correlations."
kink = "Adam's steps across the kink of the penalty cost λ times their size; the optimum is free of this loss."
reasons = {
    "A-3.4.1-r2": "The best networks differ a little from where Adam stands after its steps.",
    "A-4.1-unimodal": path + "The agents on the peak then differ a little more. "
    f"The bound of {printed['A-4.1-unimodal'].published} is ours.",
    "A-4.2-strongest": order,
    "A-4.2-second": order,
    "A-4.3.1-orders": path
    + "There are as many orders of magnitude as the search is exact.",
    "A-4.3.1-specialising": path
    + "Many systems meet the demand, and which of them is found is a matter of the path.",
    "A-4.3.2-sharp": "Near the collapse a run ends in one of several minima, and in which is a matter of the path.",
    "A-6.1-homogeneous": kink,
    "A-6.1-aligned-below-ideal": kink,
}
rows = []
recorded = set(found["adam"]["results"]) & set(found["newton"]["results"])
compared = [claim for claim in printed.values() if claim.estimator in recorded]
for claim in compared:
    adam, newton = (
        found[name]["results"][claim.estimator] for name in ("adam", "newton")
    )
    if claim.agrees(adam) != claim.agrees(newton):
        rows.append(
            {
                "where": claim.where,
                "statement": claim.statement,
                "printed": claim.printed,
                "Adam": claim.show(adam),
                "Newton": claim.show(newton),
                "why": reasons[claim.id],
            }
        )
cite("optimiser-claims", len(compared))
cite("optimiser-same", len(compared) - len(rows))
for name in ("adam", "newton"):
    seconds = sum(one["seconds"] for one in found[name]["notebooks"].values())
    cite(f"optimiser-seconds-{name}", seconds, ".0f")
table(
    pd.DataFrame(rows),
    label="tab-c-optimisers",
    caption="Claims whose verdict depends on the optimiser.",
)

# %% [markdown]
# What the papers' optimiser adds of its own is confined to few numbers, most of which say how small a loss is that could be 0, or
# how nearly equal things are ordered. One touches the theory: in section 4.1, heterogeneity under one high peak is larger at
# the optimum than where Adam stops.
#
# Of the {glue:text}`optimiser-claims` claims whose results are recorded, {glue:text}`optimiser-same` have the same verdict either way. The notebooks took
# {glue:text}`optimiser-seconds-adam` s of computing by Adam, {glue:text}`optimiser-seconds-newton` s by Newton's method, of which
# drawing the figures, importing and everything that solves no system are a good part.
#
# ## How fast
#
# % typed eight: numbers in a vector of the processor
# The usual case, the von Mises density in double precision on a CPU, is compiled by [Numba](https://numba.pydata.org): each run by
# itself on one core, from its start to its end, with the exponential written so that the processor takes eight at once. Whatever
# else is asked for (the wrapped Gaussian, single precision, a GPU) takes tensors of PyTorch, runs side by side; tests hold both
# against each other step by step.
#
# % typed 95, 5000: setting of the benchmark
# {numref}`fig-c-bench` and the tables compare the solver with what others would use for the same problem, in ratios taken within
# one run of the benchmark (`make bench`), since machines are noisy. The time to the same loss is that until 95 % of the runs have
# come to what Adam reaches in 5000 steps, among those runs that come there by every method. The ratios of the figure lie between
# {glue:text}`bench-least` and {glue:text}`bench-most`; of {glue:text}`bench-asked` for which a least value was asked for,
# {glue:text}`bench-met` have it.

# %% typed="64, 16, 512, four: sizes and settings of the benchmark" mystnb={"figure": {"name": "fig-c-bench", "caption": "How many times as long others take: (a) for one Adam step of 64 runs of 16 agents on 512 points, (b) until the loss is what Adam reaches, on the settings of four figures, for Newton's method."}, "image": {"alt": "Two panels of dots on a logarithmic axis. One dot for each other method, most of them far to the right of one and of the mark of what was asked for."}}
bench = json.loads((ledger.RECORDED / "benchmarks.json").read_text(encoding="utf-8"))
measured = pd.DataFrame(bench["results"])
# The exponentials alone are what the solver is divided by, not what takes longer than it.
others = measured[~measured.name.str.startswith("solver")]
step = others[others.group == "one Adam step, float64"].assign(
    name=lambda rows: rows.name.str.removesuffix(" / solver")
)
same = others[
    others.group.str.startswith("time to the same loss")
    & others.name.str.endswith("second order")
]
same = same.assign(
    name=same.group.str.split(", ", n=1).str[1]
    + ": "
    + same.name.str.removesuffix(" / second order")
)
fig, axes = plt.subplots(2, 1, figsize=(9, 7), height_ratios=[1, 1.8])
draw.ratios(step, axes[0])
draw.ratios(same, axes[1])
panel_letters(axes)
show(fig, {"one step": step, "same loss": same})

# %%
shown = measured[measured.name.str.contains(" / ")]
table(
    shown[["group", "name", "ratio", "low", "high", "required", "bound"]],
    label="tab-c-bench",
    caption="The whole benchmark: the ratio of the times of what is named first and second, its lowest and highest turn, and what was "
    "asked for. The exponentials alone are as many as the densities have values: the limit of any method that evaluates them.",
    formats={"ratio": ".3g", "low": ".3g", "high": ".3g", "required": ".0f"},
)

# %%
limit = (
    measured[measured.name == "solver / the exponentials alone"]
    .set_index("group")
    .ratio
)
drawn = pd.concat([step, same])
asked = drawn.dropna(subset="required")
cite("bench-least", drawn.ratio.min(), ".1f")
cite("bench-most", drawn.ratio.max(), ".0f")
cite("bench-asked", len(asked))
cite("bench-met", int((asked.ratio >= asked.required).sum()))
cite("bench-limit", limit["one Adam step, float64"], ".1f")
product = step.set_index("name").ratio["JAX, cosines as a product"]
cite("bench-jax-product", product, ".1f")
float32 = measured[measured.group == "float32"].ratio
cite("bench-float32-start", float32.iloc[0], ".0e")
cite("bench-float32-end", float32.iloc[1], ".0e")
cite("bench-date", bench["date"])
cite("bench-threads", bench["threads"])
cite("bench-machine", bench["machine"])
cite(
    "bench-packages",
    ", ".join(f"{name} {version}" for name, version in bench["packages"].items()),
)

# %% [markdown]
# % typed three, 200: terms of the log-density, and setting of the benchmark
# A step takes {glue:text}`bench-limit` times as long as its exponentials alone. JAX as its users would write it computes a cosine at
# each point of each agent. If it is told that the log-density is a product of three numbers of the agent with three of the point,
# which is the solver's own insight, it takes {glue:text}`bench-jax-product` times as long as the solver. In single precision the
# loss is off by {glue:text}`bench-float32-start` of itself at the start and by {glue:text}`bench-float32-end` after 200 steps, since
# paths part; it is meant for GPUs. Measured on {glue:text}`bench-date`, {glue:text}`bench-threads` cores ({glue:text}`bench-machine`),
# {glue:text}`bench-packages`. No GPU was at hand.

# %% typed="8, 16, 128: sizes of the benchmark" mystnb={"figure": {"name": "fig-c-growth", "caption": "How the time of one Adam step grows with the number of agents (from 8), runs (from 16) and grid points (from 128)."}, "image": {"alt": "Three lines on logarithmic axes that follow the dashed line of proportional growth."}}
fig, ax = plt.subplots(figsize=(6, 4.2))
draw.growth(measured[measured.group.str.startswith("growth")], ax)
show(fig, measured[measured.group.str.startswith("growth")])

# %% [markdown]
# ## Many systems, many machines
#
# Cores take runs as they become free; memory grows with the number of runs only by what is returned. `device="cuda"` takes the same
# program to a GPU, as tensors in pieces that fit its memory.
#
# A sweep that outgrows one machine runs on a [Dask](https://www.dask.org) cluster (`pip install 'dpslib[cluster]'`). The call
# takes a client, and the result is the local one:
#
# ```python
# from distributed import Client
#
# with Client("scheduler:8786") as client:
#     solution = dpslib.solve(demands, n_agents=16, runs=1000, client=client)
# ```
#
# The work is cut into tasks. If a worker dies, its task is done again by another, and nothing else is. Under Slurm, with
# `dask-jobqueue`:
#
# ```python
# from dask_jobqueue import SLURMCluster
#
# cluster = SLURMCluster(cores=16, processes=16, memory="32GB", walltime="02:00:00")
# cluster.scale(jobs=20)
# client = Client(cluster)
# ```

# %%
provenance(run)
