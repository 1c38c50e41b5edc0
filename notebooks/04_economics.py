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
# # Economics
#
# % typed four: the findings that the paragraph lists
# Four findings of economics are asked of the model: countries gain from trade, a firm gains from workers of different
# professions, a labour market in which search is costly makes generalists, and a diversified portfolio yields more steadily.
# This chapter recomputes Figs 10 to 14 and Table 2 of paper A (section 3.3).

# %%
import math

import matplotlib.pyplot as plt

from dpslib import catalogues, claims
from dpslib.experiments import economics, pairs
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
from dpslib.plots import economics as draw
from dpslib.plots.style import panel_letters

# %% tags=["parameters"]
scale = "reader"  # smoke (seconds), reader, or paper (the paper's own sizes)
seed = 0  # run r of every experiment starts from the seed `seed + r`
device = "cpu"  # cpu or cuda
convention = "identified"  # identified (by the printed numbers) or paper_text (as the paper writes it)
optimiser = "own"  # own (what the text names), or adam or newton for all

# %%
run = setup(scale, seed, device, convention, optimiser)
printed = claims.load()

# %% [markdown]
# % typed two: setting of the paper, section 3.3.1
# ## Trade between two countries
#
# % typed two: setting of the paper, section 3.3.1
# **What the paper claims.** Two countries face a world demand with two peaks. Isolated, each makes a broad range of products,
# both nearly the same; joined by trade, each specialises in one peak, and production and realised consumption
# $\int \min(W_0, W_1)$ are larger (Figs 10 and 11).
#
# % typed 2: the weight of the circle's agents, example 2.2 of the paper
# % typed 0.5: our setting
# **What it leaves open.** The resource constraint, and what weight $\alpha$ an isolated country has. Trade is the circle $J_2$,
# with $\alpha = 2$. A country alone keeps this weight if it is the circle $J_1$ that closes on itself, and has $\alpha = 1$ if
# its interaction is $Q = 0$. We compute both, with peaks of breadth 0.5 and, for the figures, $R$ =
# {glue:text}`trade-resource`, with which trade's production has the area of the demand. The optimiser is the paper's, with
# several starts instead of one; a second set of runs descends $\log(1 + L)$, whose minima are the same.

# %%
world = economics.trade(
    **economics.TRADE[run.scale],
    **run.options,
)

# %% mystnb={"figure": {"name": "fig-a-10", "caption": "Fig 10 of paper A: what each country (left and right) produces in the solution with the lowest loss. Top: autarchy, for both readings of an isolated country's weight. Bottom: trade. Dashed: the demand of the whole world."}, "image": {"alt": "Four panels. Under autarchy the production of both countries is nearly flat, at either weight. Under trade one country produces one peak and the other country the other peak."}}
fig, axes = plt.subplots(2, 2, figsize=(9, 6))
autarchies = [name for name in economics.REGIMES if name != "trade"]
for country in (0, 1):
    draw.country_profile(world, autarchies, country, axes[0, country])
    draw.country_profile(world, ["trade"], country, axes[1, country])
panel_letters(axes.flat)
show(fig, world[["profile", "demand"]])

# %% mystnb={"figure": {"name": "fig-a-11", "caption": "Fig 11 of paper A: realised consumption (shaded), the part of the demand that the production of both countries meets, under autarchy with either weight and under trade."}, "image": {"alt": "Three panels: under autarchy the shaded area is a flat band below the two peaks of the demand, lower for the smaller weight; under trade it fills the demand."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.4), sharey=True)
for regime, ax in zip([*autarchies[::-1], "trade"], axes, strict=True):
    draw.realised_consumption(world, regime, ax)
    ax.label_outer()
panel_letters(axes)
show(fig, world[["profile", "demand"]])

# %%
trading = economics.trade_results(world)
for name in ("trade", "autarchy_2", "autarchy_1"):
    cite(f"consumption-{name}", trading[f"trade.consumption.{name}"], ".3f")
    cite(f"production-{name}", trading[f"trade.production.{name}"], ".2f")
cite("trade-share", trading["trade.share"], ".0%")
cite("trade-resource", economics.TRADE_RESOURCE, "g")
consumed = {
    name: trading[f"trade.consumption.{name}"]
    for name in ("trade", "autarchy_2", "autarchy_1")
}
by_weight = consumed["autarchy_2"] - consumed["autarchy_1"]
cite("gain-by-weight", by_weight / (consumed["trade"] - consumed["autarchy_1"]), ".0%")

# %% [markdown]
# Of a demand of area 1, the two countries consume {glue:text}`consumption-trade` under trade, and under autarchy
# {glue:text}`consumption-autarchy_2` if an isolated country keeps its weight, {glue:text}`consumption-autarchy_1` if it does not.
# Consumption is larger under trade in both readings, and in {glue:text}`trade-share` of all pairs of single runs, one of each
# scenario, with the equal weights.
#
# Production is another matter. Its area is $\sum_i \alpha_i / R$ whatever the countries make: {glue:text}`production-trade`
# under trade and {glue:text}`production-autarchy_2` under autarchy with equal weights. With the smaller weight it is
# {glue:text}`production-autarchy_1`, so that {glue:text}`gain-by-weight` of the gain in consumption is there before anybody
# specialises. Only the reading with equal weights shows what the theory is about, that the same output is better placed. The
# isolated optimum is the flat profile because the mismatch is relative: what a narrow country leaves uncovered costs more than
# what a broad one wastes.

# %%
claims_table(
    trading,
    "fig-a-10",
    label="tab-c-fig-10",
    caption="What the paper says about Fig 10, and what the best solutions show.",
)

# %%
claims_table(
    trading,
    "fig-a-11",
    label="tab-c-fig-11",
    caption="What the paper says about Fig 11 and collective production, and what the best solutions show.",
)

# %% [markdown]
# ### Scarcity and starts
#
# {numref}`fig-c-trade` lets $R$ vary and shows single starts. A start is called trapped if its productivity is more than
# {glue:text}`trapped-margin` below the best one's.

# %% typed="4, two: resource constraint and descents, our setting" mystnb={"figure": {"name": "fig-c-trade", "caption": "(a) Realised consumption over the resource constraint: best of all starts (lines) and single starts of the paper's optimiser (dots). (b) Share of trapped starts at R = 4, when the loss itself and when its logarithm is descended."}, "image": {"alt": "Left: consumption falls with the resource constraint in every scenario; trade is highest, and at the smallest constraint the scenarios meet or nearly meet. Right: bars of the share of trapped starts for trade and both readings of autarchy, under two descents."}}
margin = 0.01
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), width_ratios=[1.2, 1])
draw.consumption_by_resource(world, axes[0])
caught = economics.trapped(world, margin=margin).sel(resource=economics.TRADE_RESOURCE)
draw.trapped_share(caught, axes[1])
panel_letters(axes)
show(fig, {"consumption": world[["consumption", "loss"]], "trapped": caught})

# %%
cite("trapped-margin", margin, ".0%")
cite("trapped-trade", float(caught.sel(descent="linear", regime="trade")), ".0%")
cite(
    "trapped-autarchy", float(caught.sel(descent="linear", regime=autarchies[0])), ".0%"
)
cite("trapped-log", float(caught.sel(descent="log").max()), ".0%")
abundant = economics.best_start(world).consumption.sel(resource=1.0)
cite("abundant-trade", float(abundant.sel(regime="trade")), ".3f")
cite("abundant-autarchy", float(abundant.sel(regime=autarchies[0])), ".3f")

# %% [markdown]
# Trade pays where resources are scarce. At $R = 1$ consumption is {glue:text}`abundant-trade` with trade and
# {glue:text}`abundant-autarchy` without (equal weights): a flat profile of enough height covers both peaks.
#
# Descending $L$ itself, {glue:text}`trapped-trade` of the starts of trade are trapped, and {glue:text}`trapped-autarchy` of
# those of autarchy, most of them on their way, not in a minimum: descending the logarithm, at most {glue:text}`trapped-log`
# are. A single run of each scenario, as in the paper, makes autarchy look worse than it is more often than it does trade.

# %% tags=["nbval-check-output"]
gains = [trading[f"trade.gain.autarchy_{weight}"] > 0 for weight in (2, 1)]
print("consumption is larger under trade, by weight of an isolated country:", gains)

# %% [markdown]
# ## The firm
#
# % typed six, 12, fifty: setting of the paper, section 3.3.2
# **What the paper claims.** Six workers on the circle $J_6$ with $R = 12$ face fifty random tasks. A stiffness $\lambda$ pulls
# their centres to $\pi$; the less it pulls, the more the workers differ, the more they specialise, and the better they meet the
# task. The rank correlation of productivity $1/L_m$ over the levels of $\lambda$ is {glue:text}`firm-h-printed` with
# heterogeneity and {glue:text}`firm-s-printed` with specialisation, averaged over the tasks, and positive for each of them (Fig
# 12).
#
# **What it leaves open.** The tasks, the levels and the starts. We take levels from {glue:text}`firm-weakest` to
# {glue:text}`firm-strongest`, evenly on the logarithm, equally weighted modes, one random start a task that its levels share,
# and repeat the experiment with several sets of tasks. The penalty is the mean distance from $\pi$ as written, and its square
# besides. The optimiser is the paper's: where it stops is part of the result, since a rank correlation sees the smallest
# difference.

# %%
workforce = economics.firm(
    **economics.FIRM[run.scale],
    **run.options,
)
correlations = economics.firm_correlations(workforce)

# %% mystnb={"figure": {"name": "fig-a-12", "caption": "Fig 12 of paper A: rank correlation of productivity with (a) heterogeneity and (b) specialisation over the levels of stiffness, one value a task, all sets of tasks together, for both distances. Vertical lines: the mean of each set; dashed: the printed mean."}, "image": {"alt": "Two histograms of correlations, most of them high, few near zero; the means of the sets lie around the printed means."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for measure, ax in zip(("heterogeneity", "specialisation"), axes, strict=True):
    target = printed[f"A-3.3.2-{measure}"].value
    draw.correlation_distribution(correlations, measure, ax, printed=target)
panel_letters(axes)
show(fig, correlations)

# %%
table(
    economics.firm_table(workforce),
    label="tab-c-firm",
    caption="Rank correlations with productivity: mean over sets of tasks, lowest and highest set, standard deviation over the "
    "tasks of a set, and the tasks of each set whose correlation is not positive.",
    formats={
        "mean ρ": ".3f",
        "lowest": ".3f",
        "highest": ".3f",
        "deviation": ".3f",
    },
)

# %%
hired = economics.firm_results(workforce)
claims_table(
    hired,
    "fig-a-12",
    label="tab-c-fig-12",
    caption="Printed and recomputed numbers of Fig 12, linear distance: means over the sets of tasks, median p-values.",
)

# %%
cite("firm-h-printed", printed["A-3.3.2-heterogeneity"].published)
cite("firm-s-printed", printed["A-3.3.2-specialisation"].published)
for measure, key in (("heterogeneity", "h"), ("specialisation", "s")):
    cite(f"firm-{key}", hired[f"firm.linear.{measure}.mean"], ".3f")
    cite(f"firm-{key}-squared", hired[f"firm.squared.{measure}.mean"], ".3f")
p = printed["A-3.3.2-specialisation-p"].value
mean = printed["A-3.3.2-specialisation"].value
cite("firm-implied", economics.implied_deviation(mean, p), ".3f")
tests = economics.firm_tests(correlations).sel(measure="specialisation", power=1)
cite("firm-deviation", float(tests.deviation.mean()), ".3f")
largest = economics.largest_p(printed["A-3.3.2-heterogeneity"].value)
cite("firm-largest-p", largest, ".0e")
cite("firm-exponent-digits", len(str(int(-math.log10(largest)))))
strengths = workforce.stiffness
cite("firm-weakest", float(strengths.min()), "g")
cite("firm-strongest", float(strengths.max()), "g")
cite("firm-tasks", workforce.sizes["set"] * workforce.sizes["task"])
below = (correlations.sel(power=1) <= 0).to_dataarray().any("variable")
cite("firm-violators", int(below.sum()))
cite("firm-clean", int((~below.any("task")).sum()))
cite("firm-sets", workforce.sizes["set"])

# %% [markdown]
# % typed fifty: setting of the paper, section 3.3.2
# With the linear distance the means are {glue:text}`firm-h` and {glue:text}`firm-s`, against {glue:text}`firm-h-printed` and
# {glue:text}`firm-s-printed` in print; with the squared one {glue:text}`firm-h-squared` and {glue:text}`firm-s-squared`. They
# differ between sets of tasks by about as much as from print ({numref}`tab-c-firm`), so that the third digit is the draw of the
# tasks. The printed p-value holds more than it seems: with the mean and fifty tasks it implies a standard deviation of
# {glue:text}`firm-implied` for the correlations with specialisation; ours, for the linear distance, is
# {glue:text}`firm-deviation`.
#
# Of {glue:text}`firm-tasks` tasks {glue:text}`firm-violators` have a correlation that is not positive, and
# {glue:text}`firm-clean` of {glue:text}`firm-sets` sets have none, as printed. The scan does not show the exponent of the other
# p-value whole. It must have {glue:text}`firm-exponent-digits` digits: values between 0 and 1 with the printed mean give at
# most {glue:text}`firm-largest-p`.
#
# What relaxes the constraint also lowers the mismatch, whatever the workers do: {numref}`fig-c-firm` shows the sweep. The
# correlation says that both go the same way, not that one brings about the other.

# %% typed="80: the interval drawn, our setting" mystnb={"figure": {"name": "fig-c-firm", "caption": "Heterogeneity, specialisation and mismatch over the stiffness (linear distance): median over all tasks, and the middle 80 %."}, "image": {"alt": "Three panels over the stiffness: heterogeneity and specialisation fall as the stiffness grows, the mismatch rises; the spread between tasks is wide."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3))
for name, ax in zip(("heterogeneity", "specialisation", "mismatch"), axes, strict=True):
    draw.sweep_of_tasks(workforce, name, ax)
axes[2].set_yscale("log")
panel_letters(axes)
show(fig, workforce)

# %% tags=["nbval-check-output"]
positive = (economics.firm_tests(correlations)["mean"] > 0).all()
print("mean correlations are positive in every set, both distances:", bool(positive))

# %% [markdown]
# ## The labour market
#
# % typed two, three: setting and regimes of the paper, section 3.3.3
# **What the paper claims.** Two workers share a demand with two peaks, and their communication costs
# $\lambda \sum_{ij} Q_{ij}\, d(\mu_i, \mu_j)/(\sigma_i + \sigma_j)$. As the friction $\lambda$ grows, the optimum passes three
# regimes: two specialists at the greatest distance $\pi$, a range in which they are less and less specialised, and two
# generalists that keep nothing of the gain (Fig 13).
#
# **What it leaves open.** The frictions and the starts. Besides the denominator as written we use
# $\sqrt{\sigma_i^2 + \sigma_j^2}$, the one of the similarity. Random starts are one protocol; the other starts at the peaks,
# like a firm that is there already. And as a pair of agents has few unknowns, the optimum of a symmetric pair is also found by
# exhaustive search.

# %%
labour = economics.labour_market(
    **economics.MARKET[run.scale],
    **run.options,
)

# %% mystnb={"figure": {"name": "fig-a-13", "caption": "Fig 13 of paper A: specialisation (top) and distance of the two workers (bottom) over the friction, with the denominator as written (left) and with the root (right). Grey: the optimum of a symmetric pair by exhaustive search; squares: the lowest loss of all starts; dots: random starts; purple: median of the starts at the peaks."}, "image": {"alt": "Four panels with the friction on a logarithmic axis. Specialisation stays constant, declines over a short range and drops to nearly zero; so does the distance. Runs that start at the peaks go on declining beyond the drop and then drop too, and random starts lie on either branch."}}
fig, axes = plt.subplots(2, 2, figsize=(9, 6.5), sharex=True, sharey="row")
for column, scaling in enumerate(("sum", "root")):
    draw.market(labour, "specialisation", scaling, axes[0, column])
    draw.market(labour, "distance", scaling, axes[1, column])
axes[0, 1].legend(fontsize="small", loc="upper right")
for ax in axes.flat:
    ax.label_outer()
panel_letters(axes.flat)
show(fig, labour)

# %%
table(
    economics.market_regimes(labour),
    label="tab-c-market",
    caption="Where the regimes meet, by exhaustive search: the frictions at which the distance leaves π and at which it becomes 0, "
    "and the specialisation just before and after the latter.",
    formats={"parting": ".3f", "meeting": ".3f", "before": ".2f", "after": ".2f"},
)

# %%
market = economics.market_results(labour)
claims_table(
    market,
    "fig-a-13",
    label="tab-c-fig-13",
    caption="What the paper says about Fig 13, and what the solutions with the lowest loss show (denominator as written).",
)

# %%
regimes = economics.market_regimes(labour).set_index("denominator")
ratio = regimes.meeting / regimes.parting
cite("market-ratio", float(ratio.iloc[0]), ".1f")
cite("market-low", market["market.sum.low"], ".2f")
cite("market-before", float(regimes.before.iloc[0]), ".2f")
cite("market-missed", market["market.sum.missed"], ".0%")
cite("market-left", market["market.sum.gain_left"], ".1%")
cite("market-regimes", market["market.sum.regimes"], ".0f")
peaks = labour.sel(start="modes", scaling="sum").median("run")
survivors = peaks.where(peaks.distance > 1, drop=True).isel(friction=-1)
jump = regimes.meeting.iloc[0]
cite("market-survival", float(survivors.friction) / jump, ".1f")
cite("market-survivors", float(survivors.specialisation), ".2f")
shift = (regimes.meeting.iloc[0] / regimes.meeting.iloc[1]) ** 2
cite("market-shift", float(shift), ".2f")

# %% [markdown]
# There are {glue:text}`market-regimes` regimes, but the transition is not the gradual one of the figure. The optimum keeps the
# specialisation {glue:text}`market-low`, declines to {glue:text}`market-before` while the friction grows by a factor of
# {glue:text}`market-ratio`, and then jumps: the pair merges, and of the gain {glue:text}`market-left` is left. What the merged
# pair wants is no specialisation at all; its breadth runs against the bound of the optimiser, and where it stands there depends
# on the start.
#
# Past the jump the specialised pair is still a local minimum. Runs that start at the peaks stay on it up to
# {glue:text}`market-survival` times the friction of the jump, while their specialisation falls to
# {glue:text}`market-survivors`; of the random starts, {glue:text}`market-missed` do not find the optimum. A gradual decline
# over a wide range, the shape of the printed curve, is therefore a property of the start, or of averaging over starts, not of
# the optimum. In economic terms: an existing firm of specialists survives frictions under which it would not have been founded.
#
# The first plateau is exact because the demand can be met exactly. The loss then has a kink at the optimum, and a small
# friction does not move the workers at all. The other denominator shifts both borders by the same factor (squared:
# {glue:text}`market-shift`), as at equal breadths it is the smaller one by $\sqrt 2$.

# %% tags=["nbval-check-output"]
distance = labour.optimum_distance
print(
    "the searched optimum has all three regimes:",
    bool(((distance > 0.01) & (distance < 3.14)).any("dense").all()),
    "and ends merged:",
    bool((distance.isel(dense=-1) == 0).all()),
)

# %% [markdown]
# ## The portfolio
#
# % typed two: setting of the paper, section 3.3.4
# **What the paper claims.** Two securities with $\sigma$ = {glue:text}`security-breadth` are held in a market whose best sector
# drifts as a wave with Brownian motion. Of {glue:text}`markets` markets, the diversified portfolio, at $\pi/2$ and $3\pi/2$,
# has a higher mean return than the other, with both at $\pi$, in {glue:text}`A-3.3.4-mean-count` and a lower coefficient of
# variation in {glue:text}`A-3.3.4-cv-count` (Fig 14); paired t-tests give {glue:text}`A-3.3.4-mean-t` and
# {glue:text}`A-3.3.4-cv-t` (Table 2).
#
# % typed 0.15: setting of the paper, section 3.3.4
# **What it leaves open.** The Brownian paths. This is the experiment of Fig 4 with noise added, $\sigma_\mathrm{BM} = 0.15$
# after one period; Table 2 is one draw of it. We repeat it many times, each market with a path of its own, or all markets with
# one path.

# %%
held = economics.portfolio(
    **economics.PORTFOLIO[run.scale], seed=run.seed, convention=run.convention
)
draws = economics.portfolio_tests(held)

# %% typed="95, sixteen: the interval drawn, our setting, and the paper's markets" mystnb={"figure": {"name": "fig-a-14", "caption": "Fig 14 of paper A: mean return and coefficient of variation of both portfolios in the sixteen markets, named by their breadth. Bars: median over the Brownian paths; lines: the middle 95 %."}, "image": {"alt": "Two bar charts over sixteen markets: the heterogeneous portfolio has the higher mean return and the lower coefficient of variation; the spread over the paths is small in most markets."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 4))
for metric, ax in zip(("mean", "cv"), axes, strict=True):
    draw.metric_by_market(held, metric, ax, labels=catalogues.unimodal().labels)
panel_letters(axes)
show(fig, held)

# %% typed=["sixteen: markets of the paper, section 3.3.4", "2.5, 97.5: the interval shown, our setting"]
t_printed = {metric: printed[f"A-3.3.4-{metric}-t"].value for metric in ("mean", "cv")}
table(
    economics.portfolio_table(draws, t_printed),
    label="tab-a-2",
    caption="Table 2 of paper A, recomputed over many draws of the noise: the printed t, its distribution, the percentile at which "
    "the printed value stands, the median p-value, and the share of draws in which all sixteen markets point the claimed way.",
    formats={
        "t printed": ".2f",
        "t median": ".2f",
        "t 2.5 %": ".2f",
        "t 97.5 %": ".2f",
        "percentile of print": ".0f",
        "p median": ".1e",
        "all 16": ".0%",
    },
)

# %% mystnb={"figure": {"name": "fig-c-portfolio", "caption": "Distribution of the paired t statistics of Table 2 over draws of the Brownian motion, for (a) the mean return and (b) the coefficient of variation. Dashed: print; dotted: without Brownian motion, as in Table 1."}, "image": {"alt": "Two pairs of overlapping histograms; the printed values lie inside them, to the right of the middle for the mean return and to the left of it for the coefficient of variation."}}
# The wave alone passes 100 places, at which nothing is interpolated.
quiet = economics.portfolio(
    1, nodes=100, sigma=0.0, convention=run.convention, periods=1
)
still = economics.portfolio_tests(quiet).t.isel(noise=0, path=0)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for metric, ax in zip(("mean", "cv"), axes, strict=True):
    alone = float(still.sel(metric=metric))
    draw.t_distribution(draws, metric, ax, printed=t_printed[metric], still=alone)
panel_letters(axes)
show(fig, {"noise": draws.t, "wave alone": still})

# %%
returns = economics.portfolio_results(draws)
claims_table(
    returns,
    "tab-a-2",
    label="tab-c-tab-2",
    caption="Printed numbers of Table 2 and the medians over draws of the noise, rounded to the printed digits.",
)

# %%
claims_table(
    returns,
    "fig-a-14",
    label="tab-c-fig-14",
    caption="Printed counts of Fig 14 and the medians over draws of the noise.",
)

# %%
cite("security-breadth", pairs.BREADTH)
cite("markets", held.sizes["demand"])
for metric in ("mean", "cv"):
    cite_claims(f"A-3.3.4-{metric}-t", f"A-3.3.4-{metric}-count")
for metric in ("mean", "cv"):
    cite(f"t-{metric}-still", float(still.sel(metric=metric)), ".2f")
    cite(f"all-{metric}", returns[f"portfolio.{metric}.all"], ".0%")
places = economics.portfolio_table(draws, t_printed).set_index(["metric", "noise"])
percentile = places["percentile of print"].xs("own", level="noise")
cite("percentile-mean", percentile.iloc[0], ".0f")
cite("percentile-cv", percentile.iloc[1], ".0f")

# %% [markdown]
# The printed t statistics stand at the percentiles {glue:text}`percentile-mean` and {glue:text}`percentile-cv` of what the noise
# gives ({numref}`tab-a-2`, {numref}`fig-c-portfolio`): Table 2 is an ordinary draw of this experiment, and a "no" in
# {numref}`tab-c-tab-2` says only that the median draw is not the paper's. In the scan both carry a stray leading digit, which their
# own p-values rule out.
#
# In {glue:text}`all-mean` of the draws all {glue:text}`markets` markets favour the diversified portfolio in the mean return, in
# {glue:text}`all-cv` in the coefficient of variation. Without the noise the statistics are {glue:text}`t-mean-still` and
# {glue:text}`t-cv-still`, those of Table 1: pairs, pressures and wave are the same, so that Table 2 supports the claim as a second
# reading of one experiment, not as a second experiment. The confound of {numref}`fig-c-breadth` holds here as well.

# %% tags=["nbval-check-output"]
for metric in ("mean", "cv"):
    significant = (draws.p.sel(metric=metric) < 0.001).all()
    print(metric, "differs at p < 0.001 in every draw:", bool(significant))

# %%
record(trading, hired, market, returns)
provenance(run)
