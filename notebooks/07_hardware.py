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
# # Hardware
#
# What a computing system can do depends on the hardware that it runs on. In the model, hardware is a second-order
# constraint: every agent is pulled to the place $\mu^{(2)}_i$ that its hardware is made for,
#
# $$
# L = L_m + L_s, \qquad L_s = \frac{\lambda}{N} \sum_i d\big(\mu_i, \mu^{(2)}_i\big)^k .
# $$ (eq-hardware)
#
# The paper asks what becomes of a system under a strong pull if all hardware is alike, and if it is as diverse as the
# workload. This chapter recomputes Figs 30 to 33 of paper A (section 6).

# %%
import matplotlib.pyplot as plt

from dpslib import claims
from dpslib.experiments import hardware
from dpslib.notebook import (
    cite,
    cite_claims,
    claims_table,
    provenance,
    record,
    setup,
    show,
    table,
)
from dpslib.optimiser import Adam
from dpslib.plots import hardware as draw
from dpslib.plots.style import panel_letters

# %% tags=["parameters"]
scale = "reader"  # smoke (seconds), reader, or paper (the paper's own sizes)
seed = 0  # run r of every experiment starts from the seed `seed + r`
device = "cpu"  # cpu or cuda
convention = "identified"  # identified (by the printed numbers) or paper_text (as the paper writes it)
optimiser = "own"  # own (what the text names), or adam or newton for all

# %%
run = setup(scale, seed, device, convention, optimiser)

# %% [markdown]
# % typed four: setting of the paper, section 6.1
# ## Four kinds of hardware
#
# % typed six: setting of the paper, section 6.1
# **What the paper claims.** Six agents on the circle $J_6$ with $R = 2N$ face a workload of several Gaussian modes. Bound to
# homogeneous hardware at $\pi$ they perform at {glue:text}`A-6.1-homogeneous`; free of any hardware at {glue:text}`A-6.1-ideal`;
# bound to hardware that is aligned with the free system's positions at {glue:text}`A-6.1-aligned`; and at
# {glue:text}`A-6.1-misaligned` if that hardware is displaced at random by ± {glue:text}`offset` (Fig 30). The difference between
# performance $1/(1+L)$ and task performance $1/(1+L_m)$, the cost of the hardware, is small on aligned hardware and large on
# homogeneous hardware (Fig 31).
#
# % typed six, 10: settings of the paper, sections 6.1 and 6.2
# **What it leaves open.** The workload, $\lambda$ ("high"), the power $k$, and whether the norm of $L_m$ is an integral or a
# mean, which matters as soon as a penalty is added to it: the two differ by a factor of about $\sqrt{2\pi}$. We take
# {glue:text}`hardware-modes` modes of unequal size, either spread out over the circle or compact around $\pi$. Each of the two
# workloads was chosen so that homogeneous hardware performs about as printed under one of the norms, the spread-out one under the
# mean and the compact one under the integral; the homogeneous value is therefore no evidence, and the other three are. The
# distance is linear, as sections 3.3.2 and 4.4 write it, and $\lambda$ = {glue:text}`strength`: with a mean over six agents this
# is $\lambda = 10$, the value printed for Fig 32, with the sum of section 4.4. The aligned hardware is the best of the free runs.

# %%
regimes = hardware.regimes(
    **hardware.REGIMES[run.scale],
    **run.options,
)
mean_norm, integral_norm = list(hardware.READINGS.values())[:2]

# %% typed="60, four, two: λ and workloads, our setting, and the kinds of hardware of section 6.1" mystnb={"figure": {"name": "fig-a-30", "caption": "Fig 30 of paper A: workload (blue) and production (purple) on the four kinds of hardware, for the run with the median performance, which is written into each panel. Top: the spread-out workload under the mean norm; bottom: the compact workload under the integral norm; λ = 60, linear distance."}, "image": {"alt": "Eight panels, four kinds of hardware for two workloads: homogeneous production is flat or one broad hump that misses the workload's modes; ideal and aligned production follow the workload; misaligned production follows it less well."}}
fig, axes = plt.subplots(2, 4, figsize=(9, 4.5), sharey="row")
for row, reading in zip(axes, (mean_norm, integral_norm), strict=True):
    for regime, ax in zip(hardware.REGIME_NAMES, row, strict=True):
        draw.coverage(regimes, reading, regime, ax)
show(fig, regimes)

# %% mystnb={"figure": {"name": "fig-a-31", "caption": "Fig 31 of paper A: performance, with the cost of the hardware, and task performance, without it. Bars: medians; dots: single runs, each with starts and, where misaligned, an offset of its own. (a) Spread-out workload, mean norm. (b) Compact workload, integral norm."}, "image": {"alt": "Two bar charts over the four kinds of hardware with two bars each: homogeneous lowest, ideal highest, aligned a little lower, misaligned between aligned and homogeneous; the two bars of a pair differ little."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for ax, reading in zip(axes, (mean_norm, integral_norm), strict=True):
    draw.performances(regimes, reading, ax)
panel_letters(axes)
show(fig, regimes)

# %%
results = hardware.regime_results(regimes, mean_norm)
printed = claims.load()
shown = {name: printed[f"A-6.1-{name}"].published for name in hardware.REGIME_NAMES}
cite_claims(*(f"A-6.1-{name}" for name in hardware.REGIME_NAMES))
cite("offset", hardware.OFFSET)
cite("hardware-modes", len(hardware.MODES["centres"]))
cite("strength", mean_norm.stiffness, "g")
cite("adam-rate", Adam().lr)
for name in hardware.REGIME_NAMES:
    cite(f"computed-{name}", results[f"regimes.{name}.performance"], ".3f")
    cite(f"cost-{name}", results[f"regimes.{name}.cost"], ".3f")
over, under = "misaligned_above_homogeneous", "misaligned_below_aligned"
cite("misaligned-over", results[f"regimes.{over}"], ".0%")
cite("misaligned-under", results[f"regimes.{under}"], ".0%")

# %% [markdown]
# The performances are {glue:text}`computed-homogeneous`, {glue:text}`computed-ideal`, {glue:text}`computed-aligned` and
# {glue:text}`computed-misaligned` on the spread-out workload. Misaligned hardware beats homogeneous hardware in
# {glue:text}`misaligned-over` of the runs and stays behind aligned hardware in {glue:text}`misaligned-under`.
#
# % typed two: the observations that the paragraph lists
# Two of the printed observations are not properties of the model. At its optimum, aligned hardware costs nothing: the best free
# system pays no penalty on hardware that is made for it, whatever $\lambda$ and $k$, so that the two optima are one. What aligned
# hardware loses here is lost by the search: the linear penalty has a kink at the hardware, where Adam's steps of about
# {glue:text}`adam-rate` jump from side to side and cost $\lambda$ times their size. And homogeneous hardware, as strong as it is
# here, costs {glue:text}`cost-homogeneous`: the agents do not resist it. It takes its toll by what the system can no longer
# cover. Nor does production become a narrow peak: in {numref}`fig-a-30` the agents broaden to reach what they may not move to.

# %% tags=["nbval-check-output"]
places = regimes.hardware.sizes["agent"], len(hardware.REGIME_NAMES)
print("agents and kinds of hardware:", *places)
ideal = regimes.performance.sel(regime="ideal")
print(
    "without hardware λ and k make no difference:",
    bool(
        (ideal.max(("stiffness", "power")) == ideal.min(("stiffness", "power"))).all()
    ),
)

# %% [markdown]
# ### How strong, and of what form
#
# {numref}`fig-c-stiffness` varies $\lambda$ for both powers and both norms. The claim that homogeneous hardware imposes a large
# cost of its own holds in one corner only: where the pull is weak and linear enough that agents resist it and pay. The
# stronger the pull, the smaller the cost, and the more is lost in coverage instead.

# %% mystnb={"figure": {"name": "fig-c-stiffness", "caption": "Performance (solid, with the range over runs) and task performance (dashed) against the strength of the second-order constraint, on the spread-out workload. (a, b) Linear distance; (c, d) squared distance; left with the mean norm, right with the integral norm."}, "image": {"alt": "Four panels against stiffness on a logarithmic axis: the ideal line is flat and highest; aligned stays close to it, lower for the linear distance at the largest stiffness; misaligned falls with stiffness; homogeneous is lowest, its task performance above its performance only where the stiffness is small."}}
fig, axes = plt.subplots(2, 2, figsize=(9, 6.5), sharex=True, sharey=True)
for power, row in zip((1, 2), axes, strict=True):
    for norm, ax in zip(("mean", "integral"), row, strict=True):
        draw.stiffness_sweep(regimes, ax, norm=norm, power=power)
draw.sweep_legend(axes[0, 0])
panel_letters(axes.flat)
show(fig, regimes)

# %% [markdown]
# {numref}`tab-c-hardware-regimes` puts the readings side by side. With the squared distance, whose penalty has no kink, the noise of
# the search vanishes and aligned hardware performs like no hardware. The linear rows come closer to print for aligned and
# misaligned hardware: the likeliest source of "aligned is worse than ideal" is this noise.

# %% typed="four: our readings"
table(
    hardware.regime_table(regimes, shown),
    label="tab-c-hardware-regimes",
    caption="Performance on the four kinds of hardware under four readings: median (lowest–highest) over runs. The mean norm "
    "is shown on the spread-out workload, the integral norm on the compact one.",
)

# %%
readings = list(hardware.READINGS.values())
names = ("linear-mean", "linear-integral", "squared-mean", "squared-integral")
for name, reading in zip(names, readings, strict=True):
    found = hardware.regime_results(regimes, reading)
    cite(f"deficit-{name}", abs(found["regimes.aligned.deficit"]), ".3f")

# %% [markdown]
# Against the best free system, aligned hardware loses {glue:text}`deficit-linear-mean` (mean norm) and
# {glue:text}`deficit-linear-integral` (integral norm) in the linear reading, {glue:text}`deficit-squared-mean` and
# {glue:text}`deficit-squared-integral` in the squared one. Which norm was used cannot be told from this figure: either norm meets the
# homogeneous value on one of the workloads, and the misaligned value depends on the workload and on the draw.
#
# ### What "misaligned" means
#
# As written, every offset is drawn from the two values ± {glue:text}`offset`. {numref}`tab-c-misalignment` compares other
# readings, uniform between them and normal with that standard deviation.

# %% typed="three, 60: our readings"
moved = hardware.misalignment(
    regimes,
    **hardware.MISALIGNMENT[run.scale],
    **run.options,
)
table(
    hardware.misalignment_table(moved),
    label="tab-c-misalignment",
    caption="Performance on misaligned hardware under three readings of the offset, λ = 60, linear distance: median "
    "(lowest–highest) over draws, for both workloads with their norms.",
)

# %% [markdown]
# One draw, which is what the paper shows, can lie anywhere in these ranges.
#
# ### Held against print

# %% typed="60: λ, our setting"
claims_table(
    results,
    "fig-a-30",
    label="tab-c-fig-30",
    caption="Printed and recomputed performances of Fig 30: spread-out workload, mean norm, λ = 60, linear distance.",
)

# %%
claims_table(
    results,
    "fig-a-31",
    label="tab-c-fig-31",
    caption="What the paper reads off Figs 30 and 31, under the same reading; orderings as shares of runs.",
)

# %% [markdown]
# ## Scaling on homogeneous and heterogeneous hardware
#
# % typed two, 0.5, 10: setting of the paper, section 6.2
# **What the paper claims.** Systems of growing size $N$ face two modes at $\pi/2$ and $3\pi/2$ with $\sigma = 0.5$, under
# $\lambda = 10$ and a per-agent resource constraint $(2 + \log N)/N$. With hardware that alternates between the modes they are
# near the highest productivity from $N$ = {glue:text}`A-6.2-heterogeneous-size` on; with all hardware at $\pi$ they climb slowly and
# get there at $N$ = {glue:text}`A-6.2-homogeneous-size` (Fig 32). In general the two meet in the limit of infinite resources (Fig 33).
#
# **What it leaves open.** How the constraint enters, which logarithm is meant, the area of the workload, the starts, and
# how the two sizes are read off. We read $R = N \cdot (2 + \ln N)/N$, so that on the circle
# $W_1 = 2 \sum_i w_i / (2 + \ln N)$; the workload as the sum of Gaussians of area 1; and a linear distance. A curve
# has levelled off where its mean over runs is within {glue:text}`level-tolerance` of its maximum, and the curves have met where
# they are within {glue:text}`level-tolerance` of each other. No curve is smoothed here. Adam descends $\log(1 + L)$.

# %%
scaling = hardware.scaling(
    **hardware.SCALING[run.scale],
    **run.options,
)

# %% mystnb={"figure": {"name": "fig-a-32", "caption": "Fig 32 of paper A: productivity against system size on heterogeneous and homogeneous hardware. Dots: single runs; lines: means; bands: standard errors; dashed: where the heterogeneous curve levels off and where the homogeneous one meets it."}, "image": {"alt": "Two rising curves: heterogeneous hardware jumps to the plateau at a small size, homogeneous hardware climbs nearly linearly and reaches the same plateau at a much larger size."}}
fig, ax = plt.subplots(figsize=(7, 4.2))
draw.productivity_by_size(scaling, ax)
ax.legend(loc="lower right")
show(fig, scaling)

# %%
grown = hardware.scaling_results(scaling)
cite("level-tolerance", hardware.TOLERANCE, ".0%")
for name, short in (("heterogeneous", "het"), ("homogeneous", "hom")):
    cite_claims(f"A-6.2-{name}-size")
    cite(f"size-{short}", grown[f"scaling.{name}"], "g")
    cite(f"share-{short}", grown[f"scaling.{name}_share"], ".0%")
efficacy = scaling.efficacy.sel(resource="ln").mean("run")
for name, short in (("heterogeneous", "het"), ("homogeneous", "hom")):
    at = efficacy.sel(hardware=name).reindex(size=[grown[f"scaling.{name}"]])
    cite(f"efficacy-{short}", float(at[0]), ".0%")

# %%
claims_table(
    grown,
    "fig-a-32",
    label="tab-c-fig-32",
    caption="Printed and recomputed sizes of Fig 32, and the shape of its curves.",
)

# %% [markdown]
# Heterogeneous hardware levels off at {glue:text}`size-het` and homogeneous hardware meets it at {glue:text}`size-hom`. The
# same sizes come out in {glue:text}`share-het` and {glue:text}`share-hom` of the single runs.
#
# Both sizes can be had without an optimiser. Agents that stay at $\pi$ cover the workload without any shortfall as soon as
# so much is produced that even the broadest agents reach its peaks, $2N/(2 + \ln N) \ge 2\pi \max W_0$; agents at the modes
# do when each mode gets at least its own area, $N/(2 + \ln N) \ge 1$ for even $N$.

# %% tags=["nbval-check-output"]
full = hardware.full_coverage(range(2, 26), convention="identified")
print({name: int(size) for name, size in full.items()})

# %% [markdown]
# So homogeneous hardware catches up by producing in bulk: over-production costs nothing in this model. Of what is
# produced where each curve reaches the plateau, {glue:text}`efficacy-het` is of use on heterogeneous hardware, and
# {glue:text}`efficacy-hom` on homogeneous hardware.
#
# ### The constraint decides
#
# % typed 4: our setting, the size printed for Fig 32
# {numref}`fig-c-constraint` changes the constraint alone: the other two logarithms, and a control in which every agent keeps
# the constraint that agents have at $N = 4$, whatever the size. {numref}`tab-c-constraint` gives the two sizes, with the
# tolerance by which they are read off.

# %% typed="2, ten, two: constants and bases of our readings" mystnb={"figure": {"name": "fig-c-constraint", "caption": "Productivity against system size, as in Fig 32, under other resource constraints: (a) R = 2 + log₁₀ N, (b) R = 2 + log₂ N, (c) R proportional to N, the control."}, "image": {"alt": "Three panels: with the logarithm to base ten the curves meet early, with base two late, and with R proportional to N the homogeneous curve stays flat and low while the heterogeneous one is at the top."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True)
for ax, resource in zip(axes, hardware.RESOURCES[1:], strict=True):
    draw.productivity_by_size(scaling, ax, resource=resource)
axes[2].legend(loc="lower left", fontsize="small")
panel_letters(axes)
show(fig, scaling)

# %%
table(
    hardware.scaling_table(scaling),
    label="tab-c-constraint",
    caption="Size at which heterogeneous hardware levels off, and at which homogeneous hardware meets it, under each "
    "reading of the constraint (rows) and by the tolerance with which they are read off (columns).",
)

# %% [markdown]
# The natural logarithm is the one that gives the printed pair; the other two give other pairs. The control says more: with
# the same constraint per agent at every size, homogeneous hardware does not catch up at any size shown, because its
# production has the same shape and the same area however many agents make it. What closes the gap in Fig 32 is not the
# number of agents but that each of them gets easier access to resources as the system grows.
#
# ### Figure 33, computed
#
# The paper draws the general case by hand. {numref}`fig-a-33` shows the two computed curves up to where they meet, which in
# this setting is a finite size.

# %% mystnb={"figure": {"name": "fig-a-33", "caption": "Fig 33 of paper A, computed instead of sketched: mean productivity on homogeneous (purple) and heterogeneous hardware (green) in the setting of Fig 32, from the smallest system until the curves meet. Shaded: what heterogeneity gains."}, "image": {"alt": "A green curve that rises steeply and levels off, and below it a purple curve that rises slowly until both meet at the right edge; the area between them is shaded."}}
fig, ax = plt.subplots(figsize=(6, 3.8))
draw.scaling_curves(scaling, ax)
show(fig, scaling)

# %%
claims_table(
    grown,
    "fig-a-33",
    label="tab-c-fig-33",
    caption="The order of the two curves of Fig 33.",
)

# %% [markdown]
# ### Starts and optimisers
#
# Not every search finds these optima. {numref}`tab-c-hardware-starts` starts the homogeneous systems with centres anywhere or at their
# hardware, and broad or narrow, and follows Adam or plain gradient descent, which is what the paper says it used.

# %% typed="0.3, 0.1, 0.5: our setting"
begun = hardware.starts(
    **hardware.STARTS[run.scale],
    seed=run.seed,
    device=run.device,
    convention=run.convention,
)
table(
    hardware.starts_table(begun),
    label="tab-c-hardware-starts",
    caption="Productivity of homogeneous systems by optimiser and start: mean (lowest) over runs. Broad starts have σ between "
    "0.3 and 1, narrow ones between 0.1 and 0.5.",
)

# %%
meeting = int(printed["A-6.2-homogeneous-size"].published)
there = begun.productivity.sel(size=meeting).mean("run")
plain = there.sel(optimiser="gradient descent on L")
adam = there.sel(optimiser="Adam on L")
cite("plain-broad", float(plain.sel(start="random, broad")), ".2f")
cite("plain-narrow", float(plain.sel(start="random, narrow")), ".2f")
cite("adam-broad", float(adam.sel(start="random, broad")), ".2f")
cite("adam-narrow", float(adam.sel(start="random, narrow")), ".2f")

# %% [markdown]
# At $N$ = {glue:text}`A-6.2-homogeneous-size` Adam on $L$ reaches {glue:text}`adam-broad` from broad and {glue:text}`adam-narrow`
# from narrow starts, plain gradient descent {glue:text}`plain-broad` and {glue:text}`plain-narrow`. The printed meeting at
# {glue:text}`A-6.2-homogeneous-size` thus needs an optimiser like Adam and starts that are not too narrow; otherwise the
# homogeneous curve is lower for a reason that has nothing to do with hardware.

# %%
record(results, grown)
provenance(run)
