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
# # Principles
#
# Section 4 of paper A leaves the disciplines behind and asks the model itself: how does the best system change as it grows,
# as its workload, its network and its resources change? The paper's answers are laws of heterogeneity. This chapter recomputes
# them, and asks of each how much of it is the optimum, how much the workload, and how much the place where the optimiser stops.
#
# % typed 0.5, 1.5, 0.01, 5000, 100, 10^{-6}, 256: our setting
# One setting holds from here to the end of the agents' weights, unless a section says otherwise. Centres start uniformly on the
# circle and breadths between 0.5 and 1.5, bounded by 0 alone; Adam descends $L$ itself at a rate of 0.01 for at most 5000 steps
# (fewer at the smaller scales of this book) and stops after 100 steps that do not improve $L$ by $10^{-6}$. The paper gives none
# of this, and where a system can cover its demand with agents to spare it decides the result: such a system stops with what its
# start gave it. Integrals are taken on 256 points; {numref}`tab-c-curves` and the text around it show that this is enough.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML

from dpslib import claims
from dpslib.experiments import (
    arguments,
    efficiency,
    recursion,
    robustness,
    scaling,
    topology,
)
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
from dpslib.plots import arguments as draw_arguments
from dpslib.plots import efficiency as draw_efficiency
from dpslib.plots import explore
from dpslib.plots import recursion as draw_recursion
from dpslib.plots import robustness as draw_robustness
from dpslib.plots import scaling as draw_scaling
from dpslib.plots import topology as draw_topology
from dpslib.plots.model import catalogue as draw_catalogue
from dpslib.plots.style import panel_letters, shared_legend

# %% tags=["parameters"]
scale = "reader"  # smoke (seconds), reader, or paper (the paper's own sizes)
seed = 0  # run r of every experiment starts from the seed `seed + r`
device = "cpu"  # cpu or cuda
convention = "identified"  # identified (by the printed numbers) or paper_text (as the paper writes it)
optimiser = "own"  # own (what the text names), or adam or newton for all

# %%
run = setup(scale, seed, device, convention, optimiser)
printed = {name: claim.published for name, claim in claims.load().items()}

# %% [markdown]
# ## Scaling with the size of the system
#
# **What the paper claims.** For mixtures of equal Gaussians, the heterogeneity of the best system grows with the number of
# agents as a log-logistic function,
#
# $$
# H(N) = \frac{H_\infty}{1 + (N/a)^{-\gamma}},
# $$ (eq-log-logistic)
#
# % typed half, sixteen: definition of a parameter, and workloads of the paper, section 4.1
# with a limit $H_\infty$, a size $a$ at half of it and an exponent $\gamma$ (Figs 18 and 19). For sixteen unlike workloads the
# function fits less well (Fig 20).
#
# % typed 8, 9, eight: settings of the paper, sections 4.1 and 4.2
# **What it leaves open.** The sizes, the number of runs, the optimiser's stop. The text says that the peaks are evenly spaced;
# the correlations of the [next section](#the-influence-of-the-workload) show that they stand at $2\pi k/(n+1)$, with a gap at 0.
# We take 1 to 8 peaks, as section 4.2 does (section 4.1 says 1 to 9 and calls them eight), on the circle $J_N$ with $R = 2N$. One call
# solves both spacings and the sixteen workloads of Fig 34a, as far as they are known.

# %%
growth = scaling.size_scaling(**scaling.SCALING[run.scale], **run.options)
peaks, unlike = (scaling.of_series(growth, name) for name in ("gap", "diverse"))

# %% typed="8: setting of the paper, section 4.2" mystnb={"figure": {"name": "fig-a-18", "caption": "Fig 18 of paper A: (a) heterogeneity and (b) specialisation of optimised systems against their size, averaged over mixtures of 1 to 8 peaks. Shaded: one standard deviation over the workloads; thin lines: single seeds; dotted: random agents like those that the runs start from."}, "image": {"alt": "Two panels against system size: mean heterogeneity rises from 0 and levels off far above that of the random agents it starts from; specialisation rises steeply within the first few agents and then falls slowly."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
draw_scaling.by_size(peaks, axes[0], ylabel="heterogeneity H")
draw_scaling.by_size(
    peaks, axes[1], variable="specialisation", ylabel="specialisation 1/σ"
)
panel_letters(axes)
show(fig, peaks)

# %% mystnb={"figure": {"name": "fig-a-19", "caption": "Fig 19 of paper A: (a) the heterogeneity of Fig 18 on a logarithmic axis with the fitted log-logistic curve (dashed), and, in grey, that of random agents before any optimisation with its own fit. (b) Each of the eight workloads by itself."}, "image": {"alt": "Two panels against system size: two sigmoid curves, the optimised one well above the random one, both close to their dashed fits; eight curves, the one for a single peak staying near zero and those for more peaks rising well above it."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
draw_scaling.with_fit(peaks, axes[0])
draw_scaling.by_task(peaks, axes[1])
panel_letters(axes)
show(fig, peaks)

# %% typed="sixteen: workloads of the paper, section 4.1" mystnb={"figure": {"name": "fig-a-20", "caption": "Fig 20 of paper A: (a) mean heterogeneity against size for sixteen unlike workloads, with the fitted log-logistic curve; small dots are single seeds. (b) Each workload by itself. The parameters of these workloads are our reading."}, "image": {"alt": "Two panels against system size: a rising curve close to its fit; sixteen curves, from nearly flat for single peaks to high for many peaks."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 4.2))
draw_scaling.with_fit(unlike, axes[0], null=False)
draw_scaling.by_task(unlike, axes[1])
panel_letters(axes)
show(fig, unlike)

# %% [markdown]
# ### The null model
#
# Does the log-logistic form say something about optimal systems? {numref}`tab-c-curves` fits it to each family of workloads and
# also to random agents: drawn as the runs' starts are, never optimised. For comparison, it adds another curve that
# rises and levels off, $H_\infty (1 - 2^{-N/a})$.

# %% typed="half: name of a parameter"
curves = scaling.scaling_curves(growth)
table(
    curves,
    label="tab-c-curves",
    caption="Log-logistic fits to mean heterogeneity over system size: limit $H_\\infty$, half size $a$, exponent $\\gamma$ and "
    "$R^2$; the last column is $R^2$ of the exponential curve.",
    formats=dict.fromkeys(("limit", "half_size", "exponent"), ".2f")
    | dict.fromkeys(("r2", "r2_exponential"), ".3f"),
)

# %%
by_name = curves.set_index("systems")
for key, name in (
    ("gap", "optimised, gap at 0"),
    ("null", "random, not optimised"),
    ("diverse", "optimised, diverse"),
):
    cite(f"scaling-r2-{key}", by_name.r2[name], ".3f")
    cite(f"scaling-limit-{key}", by_name.limit[name], ".2f")
start = growth.initial_heterogeneity.mean("start")
above = peaks.heterogeneity.mean("task") > start
cite("scaling-above-start", float(above.isel(size=-1).mean()), ".0%")
fine = np.abs(growth.loss - growth.loss_fine) / (1 + growth.loss_fine)
cite("scaling-grid", float(scaling.of_series(fine, "gap").max()), ".0e")
cite("scaling-grid-all", float(fine.max()), ".0e")

# %% [markdown]
# The optimised systems follow the law ($R^2$ = {glue:text}`scaling-r2-gap`), and so do random agents
# ($R^2$ = {glue:text}`scaling-r2-null`). A measure that counts distinguishable agents on a circle of finite length rises and
# levels off for agents of any kind, so that the form is no evidence of optimality. The level is: $H_\infty$ is
# {glue:text}`scaling-limit-gap` after optimisation and {glue:text}`scaling-limit-null` before, and in
# {glue:text}`scaling-above-start` of the seeds the largest systems end above the random ones. The sixteen unlike workloads are
# stand-ins; for them $R^2$ is {glue:text}`scaling-r2-diverse`.
#
# % typed 256, twice: our setting, and a property of the identified grid
# The grid is fine enough: between 256 points and the convention's own grid, the loss of the same agents differs by at most
# {glue:text}`scaling-grid` of $1 + L$ for the peaks with a gap, and by at most {glue:text}`scaling-grid-all` for all workloads: the
# identified grid counts 0 and $2\pi$, one place, twice, which weighs more on a coarse grid where a mode stands there.

# %%
scaling_results = scaling.scaling_results(growth)
claims_table(
    scaling_results,
    "fig-a-18",
    label="tab-c-fig-18",
    caption="What the paper says about Fig 18, and what was recomputed.",
)

# %%
claims_table(
    scaling_results,
    "fig-a-19",
    label="tab-c-fig-19",
    caption="What the paper says about Fig 19, and what was recomputed.",
)

# %%
claims_table(
    scaling_results,
    "fig-a-20",
    label="tab-c-fig-20",
    caption="What the paper says about Fig 20, and what was recomputed.",
)

# %% tags=["nbval-check-output"]
share = (peaks.heterogeneity.isel(size=0) == 0).mean()
print("a single agent has no heterogeneity:", bool(share == 1))

# %% [markdown]
# ## The influence of the workload
#
# **What the paper claims.** Fitted to each of the eight workloads, the limit $H_\infty$ correlates with
# {glue:text}`A-4.2-passing` of {glue:text}`workload-metrics` metrics of the workload so closely that they pass Bonferroni's
# correction: the workload's own heterogeneity, its peak height, its circular variance and its entropy (Figs 21 and 22).
#
# **What it leaves open.** The sizes that enter the fits; where the peaks stand was inferred here. We fit the mean over runs, and
# each run by itself for the spread.

# %%
influence = scaling.workload_influence(growth, convention=run.convention)
even = scaling.workload_influence(growth, "even", convention=run.convention)

# %% typed="twelve, eight: metrics of appendix D.2 and workloads of section 4.2" mystnb={"figure": {"name": "fig-a-21", "caption": "Fig 21 of paper A: Pearson correlation of twelve metrics of the workload with the fitted limit of heterogeneity over eight workloads. Bars: fits to the mean over runs, blue where positive, purple where negative; dots: fits to single seeds; a star: passes Bonferroni's correction for twelve tests."}, "image": {"alt": "Bars of twelve correlations sorted by size: the strongest are positive for low-level heterogeneity and circular variance and negative for peak height; Fourier energies and the number of peaks are weakest."}}
fig, ax = plt.subplots(figsize=(8, 4.2))
draw_scaling.metric_correlations(influence, ax)
show(fig, influence)

# %% typed="eight: workloads of section 4.2" mystnb={"figure": {"name": "fig-a-22", "caption": "Fig 22 of paper A: the fitted limit of heterogeneity against (a) the workload's own heterogeneity and (b) its peak height, with regression lines; one dot a workload, grey bars: range over seeds."}, "image": {"alt": "Two scatter plots of eight workloads with regression lines, rising with low-level heterogeneity and falling with peak height; the workload with one peak lies far from the others in both."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
draw_scaling.predictor(influence, "heterogeneity_low", axes[0])
draw_scaling.predictor(influence, "peak_height", axes[1])
axes[1].legend(fontsize="x-small", ncols=2)
panel_letters(axes)
show(fig, influence)

# %%
influence_results = scaling.influence_results(influence)
claims_table(
    influence_results,
    "fig-a-21",
    label="tab-c-fig-21",
    caption="Printed and recomputed numbers of Fig 21.",
)

# %%
claims_table(
    influence_results,
    "fig-a-22",
    label="tab-c-fig-22",
    caption="Printed and recomputed numbers of Fig 22.",
)

# %% [markdown]
# ### How much rests on what
#
# % typed three, two: the things that the paragraph lists, and from how many peaks on there is a spacing
# Three things carry these correlations, and {numref}`tab-c-influence` and {numref}`fig-c-influence` take them away one by one.
# *The workload with one peak* lies far from the other seven in Fig 22. *The gap*: with evenly spaced peaks, as the text has
# them, the circular variance is 1 for every workload with two or more peaks, and cannot grade them. *The largest system* that
# enters the fits moves $H_\infty$, since the heterogeneity of the largest systems has not settled.

# %%
table(
    scaling.influence_table(influence, even),
    label="tab-c-influence",
    caption="Correlations of the four named metrics with $H_\\infty$: recomputed, smallest and largest of the single seeds, "
    "without the workload with one peak, and for evenly spaced peaks.",
    formats=dict.fromkeys(("r", "least", "most", "without_unimodal", "even"), "+.2f")
    | {"p": ".4f"},
)

# %% mystnb={"figure": {"name": "fig-c-influence", "caption": "Size of the four correlations when only systems up to a given size enter the fits of the limit."}, "image": {"alt": "Four curves of the absolute correlation against the largest fitted system, varying with it and ending close together."}}
by_range = scaling.influence_by_range(peaks, convention=run.convention)
fig, ax = plt.subplots(figsize=(6, 3.8))
draw_scaling.correlation_by_range(by_range, ax)
show(fig, by_range)

# %%
named = list(scaling.NAMED)
cite("influence-passing", int(influence.passes.sum()))
cite("influence-even-passing", int(even.passes.sum()))
without = np.abs(influence.r_without_unimodal.sel(metric=named))
cite("influence-without-least", float(without.min()), ".2f")
cite("influence-without-most", float(without.max()), ".2f")
points = influence.sizes["task"] - 1
threshold = influence_results["workload.threshold"]
several = influence.isel(task=slice(1, None))
significant = sum(
    scaling.correlation(values, several.limit.values)[1] < threshold
    for values in several.value.sel(metric=named).values
)
cite("influence-without-points", points)
cite("influence-without-passing", significant or "none")
cite("workload-metrics", influence.sizes["metric"])
cite_claims("A-4.2-passing")
deviation = [
    abs(influence_results[f"workload.{name}.r"] - float(printed[f"A-4.2-{key}-r"]))
    for name, key in zip(named, ("low", "height", "variance", "entropy"), strict=True)
]
cite("influence-deviation", max(deviation), ".2f")
low = by_range.sel(metric="heterogeneity_low")
cite("influence-range-least", float(low.min()), ".2f")
cite("influence-range-most", float(low.max()), ".2f")

# %% [markdown]
# The four correlations lie within {glue:text}`influence-deviation` of the printed ones. {glue:text}`influence-passing` metrics pass
# the correction here, and {glue:text}`influence-even-passing` under even spacing, where the printed values are out of reach.
# Without the workload with one peak the four correlations fall to {glue:text}`influence-without-least` to
# {glue:text}`influence-without-most`, of which {glue:text}`influence-without-passing` can be told from chance by
# {glue:text}`influence-without-points` points after correction. With the largest fitted
# system, that of the workload's own heterogeneity moves between {glue:text}`influence-range-least` and
# {glue:text}`influence-range-most`. With the gap the printed values are thus within reach of the runs, and what they show is chiefly
# that one peak asks for less heterogeneity than several.

# %% tags=["nbval-check-output"]
variance = even.value.sel(metric="circular_variance")
print(
    "evenly spaced, circular variance of two or more peaks is 1:",
    bool(np.allclose(variance[1:], 1, atol=5e-3)),
)
print("Bonferroni's threshold:", round(influence_results["workload.threshold"], 4))

# %% [markdown]
# ## The size of components
#
# % typed eight, 2, 4, 8: setting of the paper, section 4.3.1
# **What the paper claims.** Eight agents are split into components of size $k$ = 1, 2, 4, 8, each of which faces the whole
# bimodal task. Heterogeneity of the system and within components grows with $k$, the loss falls by nearly
# {glue:text}`A-4.3.1-orders` orders of magnitude, agents spread out and specialise (Figs 23 to 25). The paper concludes that the
# heterogeneity of a system is bounded by what its largest component can sustain.
#
# **What it leaves open.** How a component produces. With the weights of its own $Q$ an agent counts $k$ times, the loss vanishes
# from $k$ = {glue:text}`component-vanishing` on, and the run stops where it started. With $W_c = \sum_{i \in c} w_i / R$, every
# agent counting once, the loss stays positive; this is our first reading. Its stop is a second question, and
# {numref}`fig-c-readings` shows all of this.

# %%
parts = topology.component_size(**topology.COMPONENTS[run.scale], **run.options)
tight = parts.sel(reading="tight stop")

# %% mystnb={"figure": {"name": "fig-a-23", "caption": "Fig 23 of paper A: effect of component size on (a) heterogeneity of the system and within components and (b) the loss, as the sum that the model minimises and as the mean over components. Lines: medians; shaded: tenth to ninetieth percentile over seeds."}, "image": {"alt": "Two panels against component size: heterogeneity rises steeply at first and more slowly after that, system and components together from pairs on; the loss falls over several orders of magnitude on a logarithmic axis."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
draw_topology.heterogeneity_by_component(tight, axes[0])
draw_topology.loss_by_component(tight, axes[1])
panel_letters(axes)
show(fig, tight)

# %% typed="four, two, eight: component sizes of section 4.3.1, and the layout" mystnb={"figure": {"name": "fig-a-24", "caption": "Fig 24 of paper A: centres of all agents of all seeds for each component size; vertical jitter separates points, dotted lines mark the task's modes."}, "image": {"alt": "Four rows of dots over the circle: uniformly scattered for single agents, two tight columns at the modes for pairs, several columns for four, and a spread around the modes for eight."}}
fig, ax = plt.subplots(figsize=(8, 3.4))
draw_topology.positions(tight, ax)
show(fig, tight)

# %% tags=["hide-input"]
HTML(explore.to_html(explore.positions(parts), "Fig 24"))

# %% mystnb={"figure": {"name": "fig-a-25", "caption": "Fig 25 of paper A: (a) the centres of Fig 24, coloured by specialisation, pale for generalists. (b) Specialisation of all agents for each component size; diamonds: medians."}, "image": {"alt": "Two panels: the rows of Fig 24 with pale single agents and darker agents in larger components; specialisation near zero for single agents, with a growing median and a growing spread for larger components."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=[1.6, 1])
draw_topology.positions(tight, axes[0], coloured=True)
draw_topology.specialisations(tight, axes[1])
panel_letters(axes)
show(fig, tight)

# %% typed="three, 1e-6, 1e-3: our readings" mystnb={"figure": {"name": "fig-c-readings", "caption": "Heterogeneity of the system against component size under three readings: weights of 1 with a stop at improvements below 1e-6 and below 1e-3, and the weights of Q itself. Medians; shaded: tenth to ninetieth percentile over seeds."}, "image": {"alt": "Three curves against component size: alike up to pairs; the tight stop ends highest, the loose one lower and wider, and the curve with the weights of Q stays near the heterogeneity of the start."}}
fig, ax = plt.subplots(figsize=(6, 3.8))
draw_topology.heterogeneity_by_reading(parts, ax)
show(fig, parts)

# %%
component_results = topology.component_results(parts)
claims_table(
    component_results,
    "fig-a-23",
    label="tab-c-fig-23",
    caption="Printed and recomputed numbers of Fig 23, from the reading with a tight stop.",
)

# %%
claims_table(
    component_results,
    "fig-a-24",
    label="tab-c-fig-24",
    caption="What the paper says about Fig 24, and what was recomputed.",
)

# %%
claims_table(
    component_results,
    "fig-a-25",
    label="tab-c-fig-25",
    caption="What the paper says about Fig 25, and what was recomputed.",
)

# %%
single, four, eight = (tight.sel(component_size=k) for k in (1, 4, 8))
cite("component-unfinished", float(single.unfinished.mean()), ".0%")
cite("component-h1", component_results["component.heterogeneity.1"], ".2f")
higher = (eight.heterogeneity > four.heterogeneity).mean()
cite("component-eight-above-four", float(higher), ".0%")
of_readings = parts.heterogeneity.median("run")
reaching = sum(
    all(
        claims.load()[f"A-4.3.1-h{k}"].agrees(float(one.sel(component_size=k)))
        for k in topology.SIZES
    )
    for one in of_readings.transpose("reading", "component_size")
)
cite("component-readings", parts.sizes["reading"])
cite("component-reaching", reaching or "None")
covered = (parts.loss.sel(reading="block weights") == 0).all("run")
cite("component-vanishing", int(covered.component_size[covered].min()))
cite_claims("A-4.3.1-orders", "A-4.3.1-h1")
loose = parts.sel(reading="loose stop").heterogeneity.median("run")
cite("component-loose-4", float(loose.sel(component_size=4)), ".2f")
cite("component-loose-8", float(loose.sel(component_size=8)), ".2f")
medians = tight.loss.median("run")
orders = np.log10(medians.sel(component_size=1) / medians.sel(component_size=8))
cite("component-orders-sum", float(orders), ".1f")
cite("component-orders-mean", component_results["component.orders"], ".1f")
excess = (tight.heterogeneity - tight.within).isel(component_size=slice(0, 3))
cite("component-below-within", float((excess < -1e-3).mean()), ".0%")

# %% [markdown]
# The order of the medians and the fall of the loss are reproduced ({glue:text}`component-orders-mean` orders of magnitude for
# the mean over components, {glue:text}`component-orders-sum` for the sum). The single values are not all, and the reasons differ:
#
# % typed four, eight, 8: component sizes, setting of the paper, section 4.3.1
# - *Isolated agents* do not settle: the best single agent is as broad as it can be, and the step limit ends
#   {glue:text}`component-unfinished` of these runs while the breadth still grows. Their heterogeneity of
#   {glue:text}`component-h1` (printed {glue:text}`A-4.3.1-h1`) is a property of the number of steps.
# - *From four to eight* the system gains little: in {glue:text}`component-eight-above-four` of the seeds eight are more
#   heterogeneous than four. With the loose stop the medians are {glue:text}`component-loose-4` and
#   {glue:text}`component-loose-8`. {glue:text}`component-reaching` of {glue:text}`component-readings` stops
#   and readings gives all printed values.
# - *The bound* is the wrong way round. Components that are copies of each other make a system exactly as heterogeneous as each
#   of them; components that differ make one that is more so. The system falls below its components in
#   {glue:text}`component-below-within` of the runs with $k < 8$. For $k = 1$ the components have heterogeneity 0 by definition,
#   and the printed system has not: what grows with $k$ is what a component *needs*, not what caps the system.

# %% tags=["nbval-check-output"]
print("a single agent's heterogeneity is 0:", bool((single.within == 0).all()))
print(
    "with weights k, nothing falls short for k = 8 at the start:",
    bool((parts.loss.sel(reading="block weights", component_size=8) == 0).all()),
)

# %% [markdown]
# ## The cost of communication
#
# % typed two, three, seven: setting of the paper, section 4.3.2
# **What the paper claims.** Two clusters of three agents, joined by a weak bridge, face seven modes. As communication becomes
# dearer the agents of a cluster first stay as far apart as without cost, then collapse to one place, near
# $\lambda_c$ = {glue:text}`A-4.3.2-first`, with the two clusters opposite each other; beyond
# {glue:text}`A-4.3.2-second` all agents are alike (Fig 26). The paper calls it a phase transition.
#
# **What it leaves open.** $R$, the smallest positive $\lambda_c$, the modes' places (the formula is not legible) and whether
# distances are divided by breadths, as in section 3.3.3. We take $R = \sum_i \alpha_i$, modes at $2\pi k/7$ and plain distances:
# of the readings tried, only these show all of the regimes. {numref}`fig-c-locality` shows {glue:text}`locality-others` others.

# %%
local = topology.locality(**topology.LOCALITY[run.scale], **run.options)
others = {
    "modes at 2πk/8": topology.locality(
        **topology.ALTERNATIVES[run.scale], spacing="gap", **run.options
    ),
    "distances divided by breadths": topology.locality(
        **topology.ALTERNATIVES[run.scale], scaling="sum", **run.options
    ),
}

# %% typed="two: any pair" mystnb={"figure": {"name": "fig-a-26", "caption": "Fig 26 of paper A: mean distance of two agents within and between clusters against the cost of communication. Lines: medians; shaded: tenth to ninetieth percentile over seeds; dotted: π."}, "image": {"alt": "Two curves against the cost on a logarithmic axis: the distance within clusters falls to zero in the middle of the range, that between clusters rises to nearly π at the same place and falls to zero near the end."}}
fig, ax = plt.subplots(figsize=(8, 4.2))
draw_topology.distances(local, ax)
show(fig, local)

# %% tags=["hide-input"]
HTML(explore.to_html(explore.distances(local), "Fig 26"))

# %% typed="two: our readings" mystnb={"figure": {"name": "fig-c-locality", "caption": "The distances of Fig 26 under two other readings: (a) modes at 2πk/8, with a gap at 0; (b) distances divided by the sum of both breadths, as in section 3.3.3."}, "image": {"alt": "Two panels: with a gap the distance within clusters falls late and the clusters do not become opposite; with divided distances clusters collapse and stay opposite to the end of the range."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, other in zip(axes, others.values(), strict=True):
    draw_topology.distances(other, ax)
panel_letters(axes)
show(fig, others)

# %%
locality_results = topology.locality_results(local)
claims_table(
    locality_results,
    "fig-a-26",
    label="tab-c-fig-26",
    caption="Printed and recomputed numbers of Fig 26.",
)

# %%
cite_claims("A-4.3.2-first", "A-4.3.2-second")
collapsed = local.within.median("run") < float(local.within[0].median()) / 2
joined = collapsed & (local.between.median("run") < np.pi / 2)
states = set(zip(collapsed.values.tolist(), joined.values.tolist(), strict=True))
cite("locality-regimes", len(states))
cite("locality-others", len(others))
cite("locality-first", locality_results["locality.first"], ".1e")
cite("locality-second", locality_results["locality.second"], ".1e")
first = [
    topology.crossing(one, float(local.within[0].median()) / 2)
    for one in local.within.transpose("run", "strength")
]
cite("locality-first-least", min(first), ".0e")
cite("locality-first-most", max(first), ".0e")
cite("locality-kept", locality_results["locality.kept"], ".2f")
margin = 0.01
above = (local.loss > (1 + margin) * local.loss.min("run")).mean("run")
cite("locality-margin", margin, ".0%")
cite("locality-trapped", float(above.max()), ".0%")

# %% [markdown]
# % typed three: what the sentence lists
# The regimes that appear are {glue:text}`locality-regimes`, of three possible: agents apart, clusters alike and opposite, all
# alike. The medians cross at {glue:text}`locality-first` and {glue:text}`locality-second`. A single seed crosses anywhere between
# {glue:text}`locality-first-least` and {glue:text}`locality-first-most`, because the optimum is hard to find: at the cost where
# it is hardest, {glue:text}`locality-trapped` of the runs end more than {glue:text}`locality-margin` above the best one. Below
# the first transition the distance within clusters already falls, to {glue:text}`locality-kept` of its free value. That the
# system passes through these regimes is reproduced; the critical costs belong to the optimiser and its starts as much as to the
# model.

# %% tags=["nbval-check-output"]
ordered = [*local.strength.values] == sorted(local.strength.values)
inside = bool((local.within <= np.pi).all() and (local.between <= np.pi).all())
print("costs in order, distances at most π:", ordered, inside)

# %% [markdown]
# ## Agents of unequal weight
#
# % typed five, 5: setting of the paper, section E.2
# **What the paper claims.** In a linear model a network acts through the weights $\alpha_i$ with which agents enter production
# (appendix E). Of five agents with $\alpha = (1, \dots, 5)$ the lighter ones specialise more, the first nearly
# {glue:text}`A-E.2-ratio` times as much as the last; five agents of equal weight are all alike (Figs 36 and 37).
#
# % typed two, four: our setting
# **What it leaves open.** The task, $R$ ("high"), the number of Monte Carlo runs. We take the bi-Gaussian and two levels of $R$,
# $\sum_i \alpha_i$ and four times that.

# %%
unequal = topology.agent_weights(**topology.WEIGHTS[run.scale], **run.options)

# %% typed="five, 5: setting of the paper, section E.2" mystnb={"figure": {"name": "fig-a-36", "caption": "Fig 36 of paper A: specialisation of five agents (a) with weights 1 to 5 and (b) with equal weights. Dots: means over random starts; bars: standard deviations."}, "image": {"alt": "Two panels: specialisation falls with the weight; with equal weights it is flat within wide bars."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
draw_topology.weights(unequal, "weighted", axes[0])
draw_topology.weights(unequal, "mean field", axes[1])
panel_letters(axes)
show(fig, unequal)

# %% mystnb={"figure": {"name": "fig-a-37", "caption": "Fig 37 of paper A: specialisation of the weighted agents and of the mean field against the deviation of the weights from their mean. Bars: standard errors over random starts; dotted: the deviation of specialisation."}, "image": {"alt": "A falling line of weighted agents that crosses the nearly flat line of the mean field near deviation zero."}}
fig, ax = plt.subplots(figsize=(6, 3.8))
draw_topology.weight_deviations(unequal, ax)
show(fig, unequal)

# %%
weight_results = topology.weight_results(unequal)
claims_table(
    weight_results,
    "fig-a-36",
    label="tab-c-fig-36",
    caption="What the paper says about Figs 36 and 37, and what was recomputed.",
)

# %%
claims_table(
    weight_results,
    "fig-a-37",
    label="tab-c-fig-37",
    caption="What the paper says about Fig 37, and what was recomputed.",
)

# %%
cite_claims("A-E.2-ratio")
by_weight = unequal.specialisation.sel(scheme="weighted").isel(resource=0).mean("run")
cite("weights-first", float(by_weight[0]), ".2f")
cite("weights-last", float(by_weight[-1]), ".2f")
cite("weights-ratio", weight_results["weights.ratio"], ".2f")
cite("weights-share", weight_results["weights.share"], ".0%")

# %% [markdown]
# On average the first agent is {glue:text}`weights-ratio` times as specialised as the last ({glue:text}`weights-first` against
# {glue:text}`weights-last`). In a single run it need not be: it is
# the more specialised of the two in {glue:text}`weights-share` of the runs, since which agent serves which mode is a matter of
# the start.

# %% tags=["nbval-check-output"]
alpha = topology.weighted([1, 2, 3, 4, 5])
print("weights:", alpha.weights.round(decimals=9).tolist(), alpha.n_components)

# %% [markdown]
# ## Resources and stiffness
#
# % typed sixteen: setting of the paper, section 4.4
# **What the paper claims.** Sixteen agents become more heterogeneous as resources get scarce, whatever the workload (Fig 27). A
# stiffness that pulls them towards $\pi$ lowers heterogeneity and performance together, with a correlation of
# {glue:text}`A-4.4-r` over all resource levels and up to {glue:text}`A-4.4-peak` at a single one
# (Fig 28); with abundant resources heterogeneity stays what the start made it.
#
# **What it leaves open.** The levels of $R$ and of the stiffness, whether performance contains the penalty, and what "aggregated
# across resource levels" means. We take $R$ from {glue:text}`scarcity-lowest` to {glue:text}`scarcity-highest`, which is
# {glue:text}`scarcity-lowest-share` to {glue:text}`scarcity-highest-share` times the $2N$ that gives production the area of the
# demand, stiffness 0 and from {glue:text}`stiffness-weakest` to {glue:text}`stiffness-strongest` with
# $L_s = \frac{\lambda_s}{N} \sum_i d(\mu_i, \pi)$, and show performance with and without the penalty, averaged over $R$ and
# pooled.

# %%
scarce = efficiency.scarcity(**efficiency.SCARCITY[run.scale], **run.options)
stiff = efficiency.stiffness(**efficiency.STIFFNESS[run.scale], **run.options)

# %% typed="sixteen, six: agents and workloads of the paper, section 4.4" mystnb={"figure": {"name": "fig-a-27", "caption": "Fig 27 of paper A: heterogeneity of sixteen optimised agents against the resource constraint for six workloads, mean and standard deviation over seeds. Dashed: R = 2N; dotted: the random agents that the runs start from. The workloads other than the bi-Gaussian are our reading."}, "image": {"alt": "Curves of heterogeneity against the resource constraint: flat at the value of the start while resources are abundant, a step up near R = 2N for workloads with several modes, flat after that; the single broad mode does not rise."}}
fig, ax = plt.subplots(figsize=(7.5, 4.5))
draw_efficiency.heterogeneity_by_resource(scarce, ax)
show(fig, scarce)

# %% mystnb={"figure": {"name": "fig-a-28", "caption": "Fig 28 of paper A: (a) heterogeneity and performance, averaged over resource levels, against stiffness, each relative to its largest value; thin lines: single seeds. (b) Performance against heterogeneity, all points and their averages over resource levels."}, "image": {"alt": "Two panels: three curves fall together with growing stiffness; the averages over resource levels lie close to a rising line while the single points fill the plane in bands of equal resources."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 4))
draw_efficiency.response_to_stiffness(stiff, axes[0])
draw_efficiency.performance_by_heterogeneity(stiff, axes[1])
panel_letters(axes)
show(fig, stiff)

# %% tags=["hide-input"]
HTML(explore.to_html(explore.stiffness(stiff), "Fig 28"))

# %% mystnb={"figure": {"name": "fig-c-correlation", "caption": "Correlation of heterogeneity with performance over the levels of stiffness, at each resource level, for performance with and without the penalty. Dots: single seeds; there is no point where performance does not vary."}, "image": {"alt": "Two curves against the resource constraint, low or missing where resources are abundant, rising towards one near R = 2N and staying high."}}
related = {
    "Π, with the penalty": efficiency.correlations(stiff),
    "Π, task alone": efficiency.correlations(stiff, "task_productivity"),
}
fig, ax = plt.subplots(figsize=(6.5, 3.8))
draw_efficiency.correlation_by_resource(related, ax)
show(fig, related)

# %%
frame = pd.DataFrame(
    [
        {"performance": name, "aggregation": way}
        | {"mean": float(one[way].mean())}
        | {"least": float(one[way].min()), "most": float(one[way].max())}
        for name, one in related.items()
        for way in ("averaged", "pooled")
    ]
)
table(
    frame,
    label="tab-c-aggregation",
    caption="Correlation of heterogeneity and performance: both averaged over resource levels before correlating, or all points "
    "pooled. Mean, least and largest value over seeds.",
    formats=dict.fromkeys(("mean", "least", "most"), "+.3f"),
)

# %%
regressions = efficiency.nested_regressions(
    stiff, efficiency.SPLITS[run.scale], seed=run.seed
)
efficiency_results = efficiency.scarcity_results(scarce)
efficiency_results |= efficiency.stiffness_results(stiff, regressions)
claims_table(
    efficiency_results,
    "fig-a-27",
    label="tab-c-fig-27",
    caption="What the paper says about Fig 27, and what was recomputed.",
)

# %%
claims_table(
    efficiency_results,
    "fig-a-28",
    label="tab-c-fig-28",
    caption="Printed and recomputed numbers of Fig 28.",
)

# %%
cite_claims("A-4.4-r", "A-4.4-peak")
for key, value in (("lowest", efficiency.LOWEST), ("highest", efficiency.HIGHEST)):
    cite(f"scarcity-{key}", value, "g")
    cite(f"scarcity-{key}-share", value / (2 * efficiency.AGENTS), "g")
strengths = stiff.stiffness[stiff.stiffness > 0]
cite("stiffness-weakest", float(strengths.min()), "g")
cite("stiffness-strongest", float(strengths.max()), "g")
cite("scarcity-workloads", scarce.sizes["task"])
cite("efficiency-r", efficiency_results["efficiency.r"], ".3f")
cite("efficiency-pooled", efficiency_results["efficiency.pooled_r"], "+.3f")
cite("efficiency-peak", efficiency_results["efficiency.peak_r"], ".3f")
cite("efficiency-rising", efficiency_results["efficiency.rising"], ".0%")
bimodal_share = efficiency_results["efficiency.rising_bimodal"]
cite("efficiency-rising-bimodal", bimodal_share, ".0%")
broad = scarce.heterogeneity.sel(task="mono, broad").mean("run")
cite("efficiency-broad-first", float(broad[0]), ".2f")
cite("efficiency-broad-last", float(broad[-1]), ".2f")

# %% [markdown]
# From the most abundant to the scarcest resources heterogeneity rises in {glue:text}`efficiency-rising-bimodal` of the seeds for
# the bi-Gaussian and in {glue:text}`efficiency-rising` over all {glue:text}`scarcity-workloads` workloads: under a single broad
# mode it goes from {glue:text}`efficiency-broad-first` to {glue:text}`efficiency-broad-last`, because scarcity demands what the
# workload demands. The rise is a step near $R = 2N$ rather than a slope, and what lies left of it is the start.
#
# Averaged over resource levels the correlation is {glue:text}`efficiency-r`; with all points pooled it is
# {glue:text}`efficiency-pooled`, since scarcity raises heterogeneity and lowers performance. At the best single level it is
# {glue:text}`efficiency-peak`. Performance that contains the penalty falls with stiffness by construction, which raises the
# correlation: {numref}`tab-c-aggregation` has it without.

# %% tags=["nbval-check-output"]
bounds = (stiff.productivity <= stiff.task_productivity + 1e-12).all()
print("the penalty lowers performance everywhere:", bool(bounds))

# %% [markdown]
# ## Does heterogeneity tell more than resources do?
#
# % typed 70: setting of the paper, section F.1
# **What the paper claims.** A regression of performance on resources gains by adding heterogeneity, little where resources are
# abundant or medium and much where they are scarce (Table 3). The models are nested, F tests compare them on 70 % of the points,
# and the ratio of their errors is taken on the rest.
#
# **What it leaves open.** The grid, the degree of the polynomials, the measure of error, the split. We take quadratic
# polynomials over all points and linear models in each third of the resource levels, root mean squared errors, one point for
# each pair of resource and stiffness, and many random splits of every seed's points.

# %% typed="four fifths, 0.05: the quantiles shown and the level of significance, our setting"
table(
    efficiency.regression_table(regressions),
    label="tab-a-3",
    caption="Table 3 of paper A: ratio of the test errors without and with heterogeneity (median, and the quantiles that bound "
    "four fifths of all seeds and splits), medians of F and p, and the share of fits in which heterogeneity is significant.",
    formats=dict.fromkeys(("E2/E1", "10 %", "90 %"), ".2f")
    | {"F": ".2f", "p": ".1e", "share p < 0.05": ".0%"},
)

# %%
claims_table(
    efficiency_results,
    "tab-a-3",
    label="tab-c-tab-3",
    caption="Printed and recomputed numbers of Table 3; recomputed are medians over seeds and splits.",
)

# %% typed="40, 0.05: the levels chosen and the level of significance, our setting"
subset = efficiency.nested_regressions(
    stiff.sel(resource=slice(None, 40)), efficiency.SPLITS[run.scale], seed=run.seed
)
table(
    efficiency.regression_table(subset),
    label="tab-c-regimes",
    caption="The regressions of Table 3 on the resource levels up to 40 alone, so that the thirds lie lower; columns as in Table 3.",
    formats=dict.fromkeys(("E2/E1", "10 %", "90 %"), ".2f")
    | {"F": ".2f", "p": ".1e", "share p < 0.05": ".0%"},
)

# %%
degrees = [
    efficiency.residual_degrees(
        float(printed[f"A-F.1-{part}-f"]), printed[f"A-F.1-{part}-p"]
    )
    for part in ("low", "mid")
]
fewest, most = (
    max(low for low, _ in degrees),
    min(high for _, high in degrees),
)
# Three coefficients, three regimes, 70 % of the points.
cite("points-fewest", round((fewest + 3) / 0.7 * 3), "d")
cite("points-most", round((most + 3) / 0.7 * 3), "d")
at_paper = efficiency.STIFFNESS["paper"]
cite("paper-resources", at_paper["resources"])
cite("paper-strengths", at_paper["levels"])
shares = [
    float((regressions.p.sel(regime=regime) < 0.05).mean())
    for regime in efficiency.REGIMES
]
for key, value in zip(("low", "mid", "high"), shares, strict=True):
    cite(f"regression-share-{key}", value, ".0%")

# %% [markdown]
# Heterogeneity is significant in {glue:text}`regression-share-low`, {glue:text}`regression-share-mid` and
# {glue:text}`regression-share-high` of the fits from the abundant to the scarce third. How much it adds in which third depends on
# where the thirds lie relative to $R = 2N$, the step of Fig 27, and the paper does not give its levels:
# {numref}`tab-c-regimes` has thirds that lie lower.
#
# The printed table says something about them all the same. An F statistic and its p-value fix the degrees of freedom: the two
# printed pairs are possible together only with about {glue:text}`points-fewest` to {glue:text}`points-most` points in all, for
# instance {glue:text}`paper-resources` levels of resource and {glue:text}`paper-strengths` of stiffness with one system each.
# That is what the paper scale of this chapter takes.

# %% tags=["nbval-check-output"]
print("residual degrees of freedom:", fewest, "to", most)

# %% [markdown]
# ## Robustness
#
# % typed sixteen: demands of the paper's catalogues, Fig 34
# **What the paper claims.** A heterogeneous pair of agents keeps a higher and steadier production than a homogeneous one while
# the demand moves: as a wave, by Brownian motion, or with an extreme event on top of that. It does so on a unimodal and on a
# diverse catalogue of sixteen demands; on a third one, which starts where the homogeneous agents are, it gives up mean
# production for a lower variability and a higher floor (Figs 29 and 38 to 43).
#
# % typed half, twice, 0.3: our reading
# **What it leaves open.** Of the third catalogue only that all its demands are centred at $\pi$; the shape and the size of the
# event; whether the demands share a path; and what is averaged over the ten places of the event. Our reading, fixed before it
# was computed: breadths from half to twice the agents' own, evenly spaced in their logarithm
# ({numref}`fig-c-rob-homo-suited`); an event of breadth 0.3 and area 1; a path for each demand; the production of the ten
# places averaged before its statistics are taken. As in section 3.1 the printed numbers of the wave need
# $W_1 = (w_1 + w_2)/4$, although the text says $J_2$. One path is what the paper shows; we take many.

# %%
rob_options = {"seed": run.seed, "convention": run.convention}
rob_scale = robustness.ROBUSTNESS[run.scale]
rob_data = robustness.robustness(**rob_scale, **rob_options)
rob_ours = robustness.reading(rob_data)
rob_compared = robustness.comparisons(rob_data)
rob_results = robustness.robustness_results(rob_compared)
rob_tested = robustness.tested_catalogues()
rob_series = {
    name: robustness.example_series(one, **rob_scale, **rob_options)
    for name, one in rob_tested.items()
}
rob_examples = robustness.example_results(rob_series)

# %% typed="sixteen: demands of the paper's catalogue" mystnb={"figure": {"name": "fig-c-rob-homo-suited", "caption": "The catalogue suited to the homogeneous pair, as we read it, each curve scaled to its row."}, "image": {"alt": "Sixteen single peaks, all centred at π, from narrow to broad."}}
fig, ax = plt.subplots(figsize=(6, 4))
draw_catalogue(rob_tested["homo_suited"], ax, convention=run.convention)
show(fig, rob_tested["homo_suited"].curves(run.convention))

# %% [markdown]
# ### The unimodal catalogue

# %% typed="90, ten: the interval drawn, and periods of the paper, section 4.5" mystnb={"figure": {"name": "fig-a-38", "caption": "Fig 38 of paper A: production over time for the fourth demand of the unimodal catalogue under (a) the wave, (b) Brownian motion and (c) Brownian motion with an extreme event. Lines: one path; shaded: the central 90 % of all paths."}, "image": {"alt": "Three panels of production over ten periods: regular peaks under the wave, slow wandering under Brownian motion, the same with a dip at the middle under the extreme event, for a homogeneous and a heterogeneous pair."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
for regime, ax in zip(robustness.REGIMES, axes, strict=True):
    draw_robustness.series(rob_series["unimodal"], regime, ax).label_outer()
shared_legend(axes[0])
panel_letters(axes)
show(fig, robustness.series_range(rob_series["unimodal"]))

# %%
claims_table(
    rob_examples,
    "fig-a-38",
    label="tab-c-rob-38",
    caption="What the paper says about Fig 38, and what was recomputed: medians over paths.",
)

# %% typed="95: the interval drawn" mystnb={"figure": {"name": "fig-a-39", "caption": "Fig 39 of paper A: (a) mean, (b) coefficient of variation and (c) minimum of production on the unimodal catalogue. Bars: average over the sixteen demands, median over paths; black lines: central 95 % of the paths; dots: single demands (median over paths)."}, "image": {"alt": "Three bar charts over the regimes wave, Brownian motion and extreme event, for the homogeneous (hatched) and the heterogeneous pair, with intervals over paths and a dot for each demand."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for name, ax in zip(robustness.STATISTICS, axes, strict=True):
    draw_robustness.summary(rob_ours, "unimodal", name, ax, tasks=True)
shared_legend(axes[0])
panel_letters(axes)
show(fig, rob_ours.sel(catalogue="unimodal"))

# %% [markdown]
# The wave knows no chance, and its printed numbers are met to the last digit ({numref}`tab-c-rob-39`; the median over paths
# stands for what depends on a path).

# %%
claims_table(
    rob_results,
    "fig-a-39",
    label="tab-c-rob-39",
    caption="Printed and recomputed numbers of the unimodal catalogue; under Brownian motion and extreme events the median over paths.",
)

# %% [markdown]
# ### The diverse catalogue

# %% typed="ten: periods of the paper, section 4.5" mystnb={"figure": {"name": "fig-a-40", "caption": "Fig 40 of paper A: production over time for the fourth demand of the diverse catalogue, as in the figure of the unimodal one."}, "image": {"alt": "Three panels of production over ten periods under wave, Brownian motion and extreme event for both pairs."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
for regime, ax in zip(robustness.REGIMES, axes, strict=True):
    draw_robustness.series(rob_series["diverse"], regime, ax).label_outer()
shared_legend(axes[0])
panel_letters(axes)
show(fig, robustness.series_range(rob_series["diverse"]))

# %% mystnb={"figure": {"name": "fig-a-41", "caption": "Fig 41 of paper A: mean, coefficient of variation and minimum on the diverse catalogue, as in the figure of the unimodal one."}, "image": {"alt": "Three bar charts over the regimes for both pairs, with intervals over paths and a dot for each demand."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for name, ax in zip(robustness.STATISTICS, axes, strict=True):
    draw_robustness.summary(rob_ours, "diverse", name, ax, tasks=True)
shared_legend(axes[0])
panel_letters(axes)
show(fig, rob_ours.sel(catalogue="diverse"))

# %%
claims_table(
    rob_results,
    "fig-a-41",
    label="tab-c-rob-41",
    caption="Printed and recomputed numbers of the diverse catalogue; under Brownian motion and extreme events the median over paths.",
)

# %% [markdown]
# ### The catalogue suited to the homogeneous pair

# %% typed="ten: periods of the paper, section 4.5" mystnb={"figure": {"name": "fig-a-42", "caption": "Fig 42 of paper A: production over time for the fourth demand of the homo-suited catalogue, as in the figure of the unimodal one."}, "image": {"alt": "Three panels of production over ten periods under wave, Brownian motion and extreme event: the homogeneous pair starts high and varies much, the heterogeneous pair stays low."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True)
for regime, ax in zip(robustness.REGIMES, axes, strict=True):
    draw_robustness.series(rob_series["homo_suited"], regime, ax).label_outer()
shared_legend(axes[0])
panel_letters(axes)
show(fig, robustness.series_range(rob_series["homo_suited"]))

# %%
claims_table(
    rob_examples,
    "fig-a-42",
    label="tab-c-rob-42",
    caption="What the paper says about Fig 42, and what was recomputed: medians over paths.",
)

# %% typed="95: the interval drawn" mystnb={"figure": {"name": "fig-a-29", "caption": "Fig 29 of paper A: (a) mean, (b) coefficient of variation and (c) minimum on the homo-suited catalogue. Bars: average over the demands, median over paths; lines: central 95 % of the paths."}, "image": {"alt": "Three bar charts over the regimes for the homogeneous (hatched) and the heterogeneous pair, with intervals over paths."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3))
for name, ax in zip(robustness.STATISTICS, axes, strict=True):
    draw_robustness.summary(rob_ours, "homo_suited", name, ax)
shared_legend(axes[0])
panel_letters(axes)
show(fig, rob_ours.sel(catalogue="homo_suited"))

# %% mystnb={"figure": {"name": "fig-a-43", "caption": "Fig 43 of paper A: the same as its Fig 29, here with the single demands (dots, median over paths)."}, "image": {"alt": "Three bar charts over the regimes for both pairs; the dots show that few narrow demands carry the homogeneous pair's mean."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
for name, ax in zip(robustness.STATISTICS, axes, strict=True):
    draw_robustness.summary(rob_ours, "homo_suited", name, ax, tasks=True)
shared_legend(axes[0])
panel_letters(axes)
show(fig, rob_ours.sel(catalogue="homo_suited"))

# %%
claims_table(
    {
        claim.estimator: rob_results[claim.estimator]
        for claim in claims.load().values()
        if claim.anchor == "fig-a-43"
    },
    "fig-a-43",
    label="tab-c-rob-43",
    caption="Printed and recomputed numbers of the homo-suited catalogue in section F.2, the recomputed ones as medians over paths.",
)

# %%
claims_table(
    rob_results,
    "fig-a-29",
    label="tab-c-rob-29",
    caption="The same for section 4.5, and whether the claimed order holds in nearly all paths.",
)

# %% [markdown]
# ### Where the printed numbers lie
#
# A single path cannot be met to the last digit by a median. {numref}`tab-c-rob-printed` asks the fairer question: could the
# printed number have come from our model, that is, does it lie among what the paths give?
# {glue:text}`rob-inside` of {glue:text}`rob-printed` do, under the reading of which we had no choice left.

# %% typed="95: the interval shown"
rob_placed = robustness.printed_values(rob_compared.pipe(robustness.reading))
cite("rob-printed", len(rob_placed))
cite("rob-inside", int(rob_placed.inside.sum()))
table(
    rob_placed.assign(inside=rob_placed.inside.map({True: "yes", False: "no"})),
    label="tab-c-rob-printed",
    caption="Printed numbers of the random regimes in the distribution over paths: median, central 95 % (`low` to `high`), percentile of the printed value, and whether it lies inside.",
    formats={"percentile": ".0f"},
)

# %% typed="95: the interval counted"
rob_readings = robustness.compare_readings(rob_compared)
table(
    rob_readings,
    label="tab-c-rob-readings",
    caption="The open choices: share of the printed numbers inside the central 95 % of the paths if every demand has its own path or all share one, and if production or its statistics are averaged over the places of the event.",
    formats={"inside": ".0%"},
)

# %% [markdown]
# {numref}`tab-c-rob-readings` shows what the two unnamed choices are worth: a common path makes every distribution broader, so
# that more lies inside, which is no evidence for it.
#
# What no path explains is the homogeneous pair's mean on its own catalogue. {numref}`fig-c-rob-breadths` tries other ranges of
# breadths. Narrow demands give a high mean and a high variability, broad ones a low mean and a low variability;
# of {glue:text}`rob-ranges` ranges the best has {glue:text}`rob-best-range` of the numbers inside
# ({glue:text}`rob-best-name`), and {glue:text}`rob-mean-cv` of them reach all the numbers that the figure shows. A
# catalogue of single modes at $\pi$ seems not to be what was used, or not alone.

# %%
rob_breadths = robustness.breadth_ranges(
    **robustness.BREADTHS[run.scale], **rob_options
)
rob_marks = {
    pair: {
        name: claims.load()[f"A-F.2-homo-suited-brownian-{name}-{pair}"].value
        for name in ("mean", "cv")
    }
    for pair in ("homogeneous", "heterogeneous")
}

# %% typed="95: the interval drawn" mystnb={"figure": {"name": "fig-c-rob-breadths", "caption": "Mean against coefficient of variation under Brownian motion for homo-suited catalogues of other ranges of breadths: (a) homogeneous, (b) heterogeneous pair. Dots and lines: median and central 95 % of the paths; star: printed."}, "image": {"alt": "Two scatter plots; for the homogeneous pair the dots rise from low mean and low variability to high mean and high variability, and the printed star lies off this band at low mean and high variability."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for (pair, mark), ax in zip(rob_marks.items(), axes, strict=True):
    draw_robustness.ranges(rob_breadths, pair, mark, ax)
shared_legend(axes[0])
panel_letters(axes)
show(fig, rob_breadths)

# %%
rob_best = rob_breadths.isel(catalogue=rob_breadths.inside.argmax("catalogue"))
cite("rob-ranges", rob_breadths.sizes["catalogue"])
cite("rob-best-range", float(rob_best.inside), ".0%")
cite(
    "rob-best-name",
    f"{rob_best.low.item():g} to {rob_best.high.item():g}, {rob_best.spacing.item()}",
)
rob_reached = robustness.reaches(rob_breadths, rob_marks)
cite("rob-mean-cv", int(rob_reached.sum()) or "none")

# %% [markdown]
# The shape of the event is open too. {numref}`fig-c-rob-events` shows what it decides: the floors. Broader events than ours press
# the homogeneous pair's floor down and leave the other's; the printed pair of floors lies near events of about the agents' own
# breadth and of area 1, where {glue:text}`rob-best-event` of the printed numbers lie inside, against
# {glue:text}`rob-our-event` for ours.

# %%
rob_events = robustness.event_shapes(**robustness.EVENTS[run.scale], **rob_options)
rob_floors = {
    pair: claims.load()[f"A-F.2-unimodal-extreme-minimum-{pair}"].value
    for pair in ("homogeneous", "heterogeneous")
}

# %% typed="three: areas tried, our setting" mystnb={"figure": {"name": "fig-c-rob-events", "caption": "Minimum production of both pairs on the unimodal catalogue under extreme events of other breadths (numbers at the dots, radians) and areas; median over paths. Star: printed."}, "image": {"alt": "Curves of dots for three areas; broader events lower the homogeneous minimum, larger areas lower the heterogeneous one; the printed star lies within the range of the dots."}}
fig, ax = plt.subplots(figsize=(6.5, 4))
draw_robustness.event_shapes(rob_events, rob_floors, ax)
show(fig, rob_events)

# %%
rob_inside = rob_events.inside.set_index(catalogue=("event_sigma", "event_area"))
cite("rob-our-event", float(rob_inside.sel(event_sigma=0.3, event_area=1.0)), ".0%")
cite("rob-best-event", float(rob_inside.max()), ".0%")

# %% [markdown]
# ### What holds
#
# Under the wave everything holds. Under chance, {numref}`tab-c-rob-ahead` counts the paths in which the heterogeneous pair is
# ahead on average over the demands. The printed p-values are those of a favourable path: over the paths the median p-value of
# the minimum on the unimodal catalogue under Brownian motion is {glue:text}`rob-p-median`, where
# {glue:text}`rob-p-printed` is printed. And on its own catalogue the homogeneous pair has the higher floor in
# {glue:text}`rob-floor-homogeneous` of the paths: that the heterogeneous one does better there is not reproduced under our
# reading, although {numref}`tab-c-rob-printed` shows that both printed floors occur.

# %%
rob_ahead = robustness.ahead_table(rob_results)
cite("rob-p-median", rob_results["robustness.unimodal.brownian.minimum.p"], ".2g")
cite(
    "rob-p-printed",
    claims.load()["A-F.2-unimodal-brownian-minimum-p"].published,
)
cite(
    "rob-floor-homogeneous",
    1 - rob_results["robustness.homo_suited.extreme.minimum.ahead"],
    ".0%",
)
table(
    rob_ahead,
    label="tab-c-rob-ahead",
    caption="Share of paths in which the heterogeneous pair does better on average over the demands: higher mean, lower coefficient of variation, higher minimum.",
    formats=dict.fromkeys(("mean", "cv", "minimum"), ".0%"),
)

# %% tags=["nbval-check-output"]
rob_wave = claims.compare(
    {name: value for name, value in rob_results.items() if ".wave." in name}
)
print("all printed numbers of the wave agree:", bool(rob_wave.agrees.all()))

# %% [markdown]
# ## The recursive property
#
# **What the paper claims.** Where the production of one layer is the demand of the next, heterogeneity at the top makes all
# layers heterogeneous. The map between the layers need not be the identity: it is enough that it keeps the order where the
# agents are, and only a complete collapse breaks the chain (sections 4.6 and B.3). No figure shows it.
#
# % typed three, half: our setting
# **How we compute it.** Three layers of agents on the circle with $R = 2N$; the first meets {glue:text}`rec-modes` uneven modes,
# each further one the production of the layer before, carried over by a map $\phi$ (mass at $\theta$ goes to $\phi(\theta)$,
# blurred by {glue:text}`rec-blur`, so that a collapse gives a narrow peak). {glue:text}`rec-strict` maps keep the order strictly;
# one collapses a gap between the modes, one half of the circle, one all of it. Every chain takes the best of a few random starts
# on each layer.

# %%
rec_layers = recursion.layers(**recursion.RECURSION[run.scale], **run.options)
rec_stiff = recursion.stiff_first_layer(**recursion.RECURSION[run.scale], **run.options)
rec_graphs = recursion.dependency_graphs(**recursion.GRAPHS[run.scale], **run.options)
rec_results = recursion.recursion_results(rec_layers, rec_stiff, rec_graphs)

# %% typed="three, a tenth, half: layers and maps, our setting" mystnb={"figure": {"name": "fig-c-rec-layers", "caption": "Heterogeneity of three layers under maps that (a) keep the order strictly and (b) collapse a region. Dots: single chains; lines: their median; dotted: agents as they start, before anything is optimised."}, "image": {"alt": "Two panels of heterogeneity against layer: most strictly monotone maps keep its level, the one that shrinks the circle to a tenth loses nearly all of it; a collapsed gap or half keeps it, a complete collapse brings it to nearly zero."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
draw_recursion.by_layer(rec_layers, recursion.STRICT, axes[0])
draw_recursion.by_layer(rec_layers, list(recursion.MAPS)[5:], axes[1])
panel_letters(axes)
show(fig, rec_layers[["heterogeneity", "start"]])

# %% typed="two: layers, our setting" mystnb={"figure": {"name": "fig-c-rec-stiffness", "caption": "Stiffness on the first of two layers alone: heterogeneity of both. Dots: single chains; lines: their median; dotted: agents as they start."}, "image": {"alt": "Heterogeneity against stiffness: it falls to zero on the first layer, and on the second it falls too, but stays above."}}
fig, ax = plt.subplots(figsize=(6, 3.6))
draw_recursion.stiffness(rec_stiff, ax)
show(fig, rec_stiff)

# %% [markdown]
# The claim's core holds: a complete collapse brings the last layer down to {glue:text}`rec-collapsed` of the first one's
# heterogeneity, and stiffness that acts on the first layer alone is felt on the second, with a correlation between both of
# {glue:text}`rec-correlation` (median over chains; the smallest is {glue:text}`rec-correlation-low`).
#
# % typed three, a tenth, two, half: the qualifications that the paragraph lists, maps and layers of our setting
# Three qualifications. First, "order-preserving" is not the condition: shrinking the circle to a tenth is as strictly monotone a
# map as the identity, and leaves {glue:text}`rec-tenth` of the heterogeneity after two steps, because the demand becomes as
# narrow as the blur. Second, the collapse of a whole half of the circle, where agents are, leaves {glue:text}`rec-half` of it.
# What counts is how structured the demand is in units of the finest breadth there is, which is a matter of distances, not of
# order. Third, agents whose centres were drawn at random are heterogeneous to begin with (dotted): under the identity, layers two
# and three exceed their own random starts in {glue:text}`rec-above-start` of the cases, so that a high level alone does not show
# that anything was passed on; the comparison with the collapse does.

# %%
for key, name in {
    "collapsed": "kept.all_collapsed",
    "tenth": "kept.shrunk_to_a_tenth",
    "half": "kept.half_collapsed",
    "above-start": "above_start",
}.items():
    cite(f"rec-{key}", rec_results[f"recursion.{name}"], ".0%")
cite("rec-modes", len(recursion.MODES.centres))
cite("rec-blur", recursion.BLUR)
cite("rec-strict", len(recursion.STRICT))
cite("rec-correlation", rec_results["recursion.stiffness.correlation"], ".2f")
cite(
    "rec-correlation-low",
    rec_results["recursion.stiffness.correlation.smallest"],
    ".2f",
)

# %% [markdown]
# ### Demands with dependencies
#
# **What the paper claims.** A demand whose operations depend on each other falls into levels that can be worked on one after the
# other. Each level is a flat demand again, so that each is met best by a heterogeneous system; only a serial chain of single
# operations is not; and dependencies, if anything, strengthen heterogeneity (section B.5).
#
# **How we compute it.** Random graphs of operations at random places; a level's demand is the mixture of its operations. The
# paper's other reading, that a level asks for what the level before produced, is the chain of layers above.

# %% mystnb={"figure": {"name": "fig-c-rec-levels", "caption": "Heterogeneity of the best system found for each level of random dependency graphs against the number of operations on the level; colours: probability of a dependency."}, "image": {"alt": "Scatter plot: heterogeneity grows with the number of operations on a level and is near zero for single operations."}}
fig, ax = plt.subplots(figsize=(6, 3.6))
draw_recursion.levels(rec_graphs, ax)
show(fig, rec_graphs)

# %% [markdown]
# Levels with several operations are more heterogeneous than those of a serial chain in {glue:text}`rec-above-serial` of the cases
# (operations at nearly the same place are met by like agents). But the levels hold fewer operations than the flat demand, and
# their heterogeneity is lower: dependencies weaken it, by {glue:text}`rec-loss` in the median.

# %%
cite("rec-above-serial", rec_results["recursion.graph.above_serial"], ".0%")
cite("rec-loss", -rec_results["recursion.graph.gain"], ".2f")
claims_table(
    rec_results,
    "tab-a-46",
    label="tab-a-46",
    caption="What sections 4.6 and B.5 claim in words, in numbers (the bounds are ours).",
)

# %% tags=["nbval-check-output"]
print("maps that keep the order strictly:", ", ".join(recursion.STRICT))

# %% [markdown]
# ## Trying to force homogeneity
#
# Section 5 asks when the principle fails, and answers in words: for a Dirac delta as demand, if only like agents may
# collaborate, and not even if tasks are assigned at random. All of this can be computed.

# %%
arg_options = {"seed": run.seed, "convention": run.convention}
arg_narrowing = arguments.narrowing(**arguments.NARROWING[run.scale], **run.options)
arg_delta = arguments.delta_limit(convention=run.convention)
arg_alike = arguments.like_agents(**arguments.ALIKE[run.scale], **arg_options)
arg_assigned = arguments.random_assignment(
    **arguments.ASSIGNMENT[run.scale], **arg_options
)
arg_copies = arguments.added_copies(**arguments.SEARCH[run.scale], seed=run.seed)
arg_maps = arguments.monotone_maps(**arguments.SEARCH[run.scale], seed=run.seed)
arg_results = arguments.argument_results(
    {
        "narrowing": arg_narrowing,
        "delta_limit": arg_delta,
        "like_agents": arg_alike,
        "random_assignment": arg_assigned,
        "added_copies": arg_copies,
        "monotone_maps": arg_maps,
    }
)

# %% [markdown]
# ### A demand that narrows
#
# % typed three, two: our setting
# **What the paper claims.** The narrower the demand, the less heterogeneous the best system, but heterogeneous it stays; a Dirac
# delta alone is no case for the model (sections 5.1 and B.2). We narrow three demands: one with the shape of an agent, two modes
# that approach each other and narrow alike, and a flat block, which is also what a delta that wanders amounts to over time. The
# starts narrow with them.

# %% typed="three: our setting" mystnb={"figure": {"name": "fig-c-arg-narrowing", "caption": "Heterogeneity for demands of three shapes that narrow towards a Dirac delta. Dots: single runs; lines: the run with the lowest loss; dotted: agents as they start."}, "image": {"alt": "Heterogeneity against a falling width for three shapes: the block and the two modes keep a level of their own as they narrow, the demand with the shape of an agent lies lowest."}}
fig, ax = plt.subplots(figsize=(6.5, 4))
draw_arguments.narrowing(arg_narrowing, ax)
show(fig, arg_narrowing)

# %% [markdown]
# % typed two: our setting
# It is not the width that decides but the shape. For a demand of the agents' own shape, however broad, identical agents have a
# loss of {glue:text}`arg-alike-loss`: the homogeneous system is exactly optimal, and what heterogeneity the runs show is what the
# optimiser has not yet removed where the loss is flat. For the other shapes heterogeneity hardly falls as they narrow (for two
# modes the narrowest has {glue:text}`arg-modes-ratio` of the widest): centres and breadths shrink together, and the measure
# counts distances in breadths. That the delta breaks the model is right: for agents of a fixed breadth the loss grows without
# bound, as the width to the power {glue:text}`arg-exponent`.

# %%
cite("arg-alike-loss", arg_results["narrowing.skill_density.alike_loss"], ".1g")
cite("arg-modes-ratio", arg_results["narrowing.two_modes.ratio"], ".0%")
cite("arg-exponent", arg_results["narrowing.exponent"], ".2f")

# %% [markdown]
# ### Collaboration only between like agents
#
# % typed half: our setting
# **What the paper claims.** Such a rule would lower heterogeneity, but make a system homogeneous only if the slightest difference
# ended collaboration (section 5.2). We let agent $i$ use what agent $j$ produces with the weight
# $\exp(-d(\mu_i, \mu_j)^2 / 2\rho^2)$, so that $\rho$ is the radius of collaboration, and give each agent the whole bi-Gaussian
# demand to meet with what it can use; half of the starts are random, half have all agents nearly alike.

# %% mystnb={"figure": {"name": "fig-c-arg-alike", "caption": "Heterogeneity against the radius of collaboration. Dots: single runs; squares: the run with the lowest loss; dotted: distance of the two modes of the demand."}, "image": {"alt": "Heterogeneity of the best run is zero for small radii and rises once the radius gets nearer to the distance of the modes."}}
fig, ax = plt.subplots(figsize=(6.5, 3.6))
draw_arguments.by_radius(arg_alike, ax)
show(fig, arg_alike)

# %% [markdown]
# The direction is right, the threshold is not: the best system is homogeneous up to a radius of {glue:text}`arg-homogeneous-radius`
# and heterogeneous from {glue:text}`arg-smallest-radius` on (of those tried). Agents of one kind are optimal as soon as
# collaboration does not reach well towards the next mode, which is a mild restriction.

# %%
cite("arg-homogeneous-radius", arg_results["alike.largest_homogeneous"], "g")
cite("arg-smallest-radius", arg_results["alike.smallest_radius"], "g")

# %% [markdown]
# ### Random assignment
#
# **What the paper claims.** If parts of the demand are given to agents at random, a homogeneous system is never optimal, because
# concentration is the worst hedge (section 5.3). We give {glue:text}`arg-parts` parts to as many agents, with probability
# $1 - \varepsilon$ each to the agent meant for it and otherwise in random order, and minimise the expected loss.

# %% typed="two: our readings" mystnb={"figure": {"name": "fig-c-arg-assignment", "caption": "Heterogeneity against the share of random assignment, for two ways to add the agents' losses. Dots: single runs; squares: the run with the lowest expected loss."}, "image": {"alt": "Heterogeneity falls steadily from its highest value under perfect assignment to zero under fully random assignment, for both ways."}}
fig, ax = plt.subplots(figsize=(6.5, 3.6))
draw_arguments.by_share(arg_assigned, ax)
show(fig, arg_assigned)

# %% [markdown]
# The opposite holds. Under fully random assignment all agents face the same lottery, and if their losses add, each of them has the
# same problem to solve: a system of identical agents is then always among the best. Its agents are generalists, and the best
# system found has $H$ = {glue:text}`arg-random-heterogeneity` ({glue:text}`arg-random-heterogeneity-root` if the losses stand
# under one root). The portfolio argument compares with a homogeneous system of specialists; those do badly
# ({numref}`tab-c-arg-systems`), but so do unlike specialists. Diversification can happen within each agent.

# %% typed="four: the systems that the sentence lists"
cite("arg-parts", len(arguments.PART_CENTRES))
cite(
    "arg-random-heterogeneity",
    round(arg_results["assignment.random.heterogeneity"], 2),
)
cite(
    "arg-random-heterogeneity-root",
    round(arg_results["assignment.random.heterogeneity.root"], 2),
)
table(
    arg_assigned[["random_loss", "perfect_loss"]]
    .sel(pooling="sum", drop=True)
    .to_dataframe()
    .rename(columns=lambda name: name.replace("_", " ")),
    label="tab-c-arg-systems",
    caption="Expected loss of four systems under random assignment, and their loss under perfect assignment: unlike experts, like experts, the best like agents (generalists), and the best system found for random assignment.",
    formats=dict.fromkeys(("random loss", "perfect loss"), ".3g"),
    index=True,
)

# %%
claims_table(
    arg_results,
    "tab-a-51",
    label="tab-a-51",
    caption="What section 5 claims in words, in numbers (the bounds are ours).",
)

# %% tags=["nbval-check-output"]
print(
    "identical agents are exactly optimal for a demand of their own shape:",
    arg_results["narrowing.skill_density.alike_loss"] < 1e-12,
)

# %% [markdown]
# ## The measure and its invariances
#
# **What the paper claims.** Adding more of the same to a heterogeneous system always lowers $H$, down to 0 (appendix A.4.2); and a
# strictly monotone map of the skills keeps the order of the distances between agents, the value of $H$ and the order of systems
# by $H$ (appendix B.3). We search random systems for counter-examples.

# %% mystnb={"figure": {"name": "fig-c-arg-metric", "caption": "(a) Random systems in which a copy of one agent raises heterogeneity, by the number of distinct agents and the order q. (b) What strictly monotone maps of an arc leave intact."}, "image": {"alt": "Two panels: no pair of agents but many of the larger systems become more heterogeneous by a copy; rotation and inversion keep everything, halving changes the value, unequal maps change the order of distances and of systems."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 4), width_ratios=[1, 1.5])
draw_arguments.copies(arg_copies, axes[0])
draw_arguments.maps(arg_maps, axes[1])
show(fig, {"copies": arg_copies, "maps": arg_maps})

# %% [markdown]
# % typed two, 2: the example and the order of the paper, appendix A.4.2
# The example that the paper works out, copies of one of two agents, is right, and so are the limit and $H = 0$ for identical
# agents. But "always" holds for two agents only: with more, copying an agent that stands apart raises $H$, in up to
# {glue:text}`arg-rise` of random systems at $q = 2$. Strictly monotone maps keep the order of the agents, and no more: only
# isometries keep $H$; halving all distances keeps their order but changes the order of systems in {glue:text}`arg-halving` of the
# pairs, unequal maps in {glue:text}`arg-unequal`.

# %%
cite("arg-rise", arg_results["copies.rise"], ".0%")
cite("arg-halving", 1 - float(arg_maps["systems"].sel(map="halving")), ".0%")
cite("arg-unequal", 1 - float(arg_maps["systems"].sel(map="square")), ".0%")
claims_table(
    arg_results,
    "tab-a-42",
    label="tab-a-42",
    caption="Statements of appendices A.4.2 and B.3, and what the search found.",
)

# %% tags=["nbval-check-output"]
print("a copy of one of two agents raises H:", arg_results["copies.rise.pair"] > 0)
print("a copy of one of more agents can raise H:", arg_results["copies.rise"] > 0)
print(
    "maps that change the order of systems:", int(arg_results["maps.systems_changed"])
)

# %%
record(
    scaling_results,
    influence_results,
    component_results,
    locality_results,
    weight_results,
    efficiency_results,
    rob_results,
    rob_examples,
    rec_results,
    arg_results,
)
provenance(run)
