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
# # When teams gain from diversity
#
# Paper B asks when a team of unlike agents earns more than the best team of like ones. Each of $N$ agents spreads an effort of 1
# over $M$ tasks, $A = (r_{ij})$. An *inner* aggregator $T$ makes a score of the $N$ efforts on a task, an *outer* aggregator $U$
# makes a reward of the $M$ scores:
#
# $$
# R(A) = U\big(T(a_1), \dots, T(a_M)\big), \qquad
# \Delta R = \max_{A} R(A) - \max_{A \text{ with equal rows}} R(A) .
# $$ (eq-marl-gain)
#
# The *heterogeneity gain* $\Delta R$ depends on the curvature of both. $T$ is *Schur-convex* if it grows when efforts become more
# unequal, and *Schur-concave* if it falls. The first part of this chapter is theory: every table, theorem and step of a proof is
# held against brute force, linear programming and search. Most of it holds; what does not, and what holds in its place, is said
# with a counter-example in numbers.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from dpslib.marl import foraging, gains, theorems
from dpslib.marl.aggregators import Softmax
from dpslib.notebook import cite, claims_table, provenance, record, setup, show, table
from dpslib.plots import marl as draw
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
# ## Which rewards have a gain
#
# **What the paper claims.** With $U$ and $T$ each one of min, mean and max, only $(U, T)$ = (min, max) and (mean, max) have a gain
# if efforts can be divided, and (min, mean) as well if each agent must choose one task (Fig 2 left, Tables 1 and 2). With the
# *softmax* aggregator $\sum_i x_i e^{t x_i} / \sum_i e^{t x_i}$ inside, parameter $t$, and outside, parameter $\tau$, there is a
# gain where $t$ is positive and $\tau$ is not much so (Fig 2 right).
#
# % typed two: size for which the closed form holds
# **What it leaves open.** Table 1 states no condition on $N$ and $M$, and for the softmax it gives a lower bound. We compute every
# cell without the paper's formulas: all discrete allocations up to symmetry, and linear programmes for continuous ones, one for
# each way to share the tasks among the agents. The softmax map is a closed form for two agents and tasks. For more it is a search
# with an upper bound: over all columns of $N$ efforts in $[0, 1]$ that sum to $s$,
#
# $$
# \sum_i x_i \frac{e^{t x_i}}{\sum_k e^{t x_k}} \;\le\; \frac{s\, e^t}{s\, e^t + N - s} \qquad (t \ge 0),
# $$ (eq-marl-chord)
#
# with equality where every effort is 0 or 1. The sums of the columns add up to $N$, so that branch and bound over $M - 1$ numbers
# bounds what any allocation can earn.

# %%
checks = theorems.theory_checks(**theorems.CHECKS[run.scale], seed=run.seed)
theory = theorems.theory_results(checks)
axis = np.linspace(-5, 5, gains.MAPS[run.scale]["points"])
maps = {
    n: gains.softmax_gain(
        axis, axis, n, tolerance=2e-3, boxes=gains.MAPS[run.scale]["boxes"]
    )
    for n in (2, 3, 4)
}
four = {kind: gains.gain_table([4], [4], kind).gain.squeeze() for kind in gains.KINDS}

# %% typed="four, two: agents and tasks shown, our setting" mystnb={"figure": {"name": "fig-b-02", "caption": "Fig 2 of paper B, recomputed. Gains of the nine pairs of min, mean and max (a) for continuous and (b) for discrete efforts, four agents and four tasks. (c) The gain of two agents and two tasks under softmax aggregators, inner parameter t and outer parameter τ."}, "image": {"alt": "Matrices of numbers for continuous and for discrete efforts, and a heat map. Continuous efforts: the same positive gain for U = min and U = mean with T = max, else 0. Discrete ones: the largest gain, 1, for U = min, T = max, less for U = mean, T = max, least for U = min, T = mean, else 0. In the map the gain is 0 where t is negative and above the diagonal, and grows towards the lower right."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.1), width_ratios=(1, 1, 1.3))
for kind, ax in zip(gains.KINDS, axes, strict=False):
    draw.gain_matrix(four[kind], ax)
draw.softmax_map(maps[2], axes[2])
panel_letters(axes)
show(fig, {**four, "softmax": maps[2]})

# %%
for kind in gains.KINDS:
    found = f"marl.theory.{kind}.4x4"
    cite(f"marl-theory-four-{kind}-min-max", theory[f"{found}.min_max.gain"], "g")
    cite(f"marl-theory-four-{kind}-mean-max", theory[f"{found}.mean_max.gain"], "g")
    cite(f"marl-theory-four-{kind}-gaining", theory[f"{found}.positive"], "g")
least = theory["marl.theory.discrete.4x4.min_mean.gain"]
cite("marl-theory-four-discrete-min-mean", least, "g")
cite("marl-theory-map-most", float(maps[2].gain.max()), ".2f")
cite("marl-theory-map-limit", float(maps[2].t.max()), "g")

# %% [markdown]
# % typed four, two: agents and tasks shown, our setting
# Four agents with four tasks gain {glue:text}`marl-theory-four-continuous-min-max` under (min, max) and
# {glue:text}`marl-theory-four-continuous-mean-max` under (mean, max) if efforts can be divided; pairs with a gain:
# {glue:text}`marl-theory-four-continuous-gaining`. If they cannot, (min, max) gains {glue:text}`marl-theory-four-discrete-min-max`,
# (mean, max) {glue:text}`marl-theory-four-discrete-mean-max` and (min, mean) {glue:text}`marl-theory-four-discrete-min-mean`; pairs
# with a gain: {glue:text}`marl-theory-four-discrete-gaining`. On the map of two agents and tasks, with parameters up to
# {glue:text}`marl-theory-map-limit` in size, the largest gain is {glue:text}`marl-theory-map-most`.

# %%
claims_table(
    theory,
    "fig-b-02",
    label="tab-c-marl-fig-2",
    caption="What is claimed of softmax aggregators and of Fig 2, and the number of exceptions found.",
)

# %% [markdown]
# ### Tables 1 and 2, cell by cell

# %%
table(
    theorems.cell_table(checks, "continuous", [(4, 4), (2, 4)]),
    index=True,
    label="tab-b-1",
    caption="Table 1 of paper B in numbers, for continuous efforts: best rewards of unlike and like teams and the gain, for as many "
    "agents as tasks and for fewer; at how many numbers of agents and tasks a printed entry of the row is not what is found.",
)

# %%
table(
    theorems.cell_table(checks, "discrete", [(4, 4), (2, 4)]),
    index=True,
    label="tab-b-2",
    caption="Table 2 of paper B in numbers, for discrete efforts; columns as in the table before.",
)

# %%
by_size = {
    kind: gains.gain_table([3], range(2, 9), kind, "search") for kind in gains.KINDS
}
printed = {kind: theorems.printed_table([3], range(2, 9), kind) for kind in gains.KINDS}

# %% typed="three: agents, our setting" mystnb={"figure": {"name": "fig-c-marl-fewer", "caption": "Gains of three agents with more and more tasks, (a) continuous and (b) discrete efforts: dots, by search; dashed, as Tables 1 and 2 print them."}, "image": {"alt": "Two panels. In the first the computed gains fall away from the dashed lines, which keep rising, as soon as there are more tasks than agents; in the second all dots lie on the dashed lines."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for kind, ax in zip(gains.KINDS, axes, strict=True):
    draw.gains_by_tasks(by_size[kind], printed[kind], ax, agents=3)
panel_letters(axes)
show(fig, {**by_size, **{f"{kind}, printed": one for kind, one in printed.items()}})

# %%
claims_table(
    theory,
    "tab-b-1",
    label="tab-c-marl-tab-1",
    caption="The cells of Table 1 and the number of sizes at which they fail.",
)

# %%
claims_table(
    theory,
    "tab-b-2",
    label="tab-c-marl-tab-2",
    caption="The cells of Table 2 and the number of sizes at which they fail.",
)

# %%
wrong = {
    kind: [name for name in checks if name.startswith(kind) and checks[name].violations]
    for kind in gains.KINDS
}
cells = {
    kind: sum(name.startswith(kind + ".") for name in checks) for kind in gains.KINDS
}
for kind in gains.KINDS:
    cite(f"marl-theory-{kind}-wrong", len(wrong[kind]))
    cite(f"marl-theory-{kind}-cells", cells[kind])
example = checks["continuous.min_max.gain"].example
for key, fmt in {"N": "", "M": "", "printed": ".3f", "found": ".3f"}.items():
    cite(f"marl-theory-fewer-{key.lower()}", example[key], fmt)
few = gains.extreme_rewards(example["N"], example["M"], "mean", "max").gain
cite("marl-theory-fewer-mean", few, ".3f")
cite("marl-theory-8x3", theory["marl.theory.discrete.8x3.mean_max.gain"], ".3f")

# %% [markdown]
# % typed eight, three: setting of the paper, appendix L
# - **Table 2 holds throughout**: {glue:text}`marl-theory-discrete-wrong` of its {glue:text}`marl-theory-discrete-cells` entries
#   fail at any size tried.
# - **Table 1 holds for at least as many agents as tasks.** With fewer, {glue:text}`marl-theory-continuous-wrong` of its
#   {glue:text}`marl-theory-continuous-cells` entries are too large: the best unlike team under (min, max) earns
#   $1/\lceil M/N \rceil$ in place of 1, since some agent must divide itself among $\lceil M/N \rceil$ tasks, and under (mean, max)
#   $\min(N, M)/M$. {glue:text}`marl-theory-fewer-n` agents and {glue:text}`marl-theory-fewer-m` tasks gain
#   {glue:text}`marl-theory-fewer-found` under (min, max), where the table has {glue:text}`marl-theory-fewer-printed`, and
#   {glue:text}`marl-theory-fewer-mean` under (mean, max). The signs do not change.
# - **A control that is none.** For eight agents and three tasks Table 2 gives (mean, max) a gain of
#   {glue:text}`marl-theory-8x3`; the experiment with eight chasers and three escapers counts it among the pairs without one.

# %% tags=["nbval-check-output"]
print("entries of Table 1 that fail:", *wrong["continuous"])
print("entries of Table 2 that fail:", *wrong["discrete"])

# %% [markdown]
# ## Families of aggregators
#
# % typed four, three: families that the sentence lists
# **What the paper claims.** Four families run from Schur-concave to Schur-convex as their parameter grows (Table 3): power sums,
# power means, log-sum-exps and softmaxes, the latter three from min to max. All are aggregators in the paper's sense: symmetric,
# and falling with no effort.
#
# % typed two, six: numbers of efforts, our setting
# **What it leaves open.** The proofs. A sum $\sum_i g(x_i)$ has the sign of $g''$. For the others, by the criterion of Schur and
# Ostrowski, the sign of $\partial_1 f - \partial_2 f$ for $x_1 > x_2$ decides; {numref}`tab-c-marl-criteria` has it, derived by
# computer algebra. The search hands effort from a larger to a smaller one, {glue:text}`marl-theory-transfers` times for two to six
# efforts, and counts where the aggregate does not move as it should.

# %%
families = [
    name
    for name in checks
    if name.split(".")[0] in theorems.FAMILIES and f"{name}.within" not in name
]
own = ("homogeneous", "heterogeneous", "trivial", "spread", "upper_bound", "chord")
families = [name for name in families if name.split(".")[1] not in own]
table(
    theorems.check_table(checks, families),
    index=True,
    label="tab-b-3",
    caption="Table 3 of paper B as checks: cases tried, exceptions, the simplest one (efforts x, of which the first hands d to the "
    "second, or grows by d where monotony is asked), and where the property does hold. Our limits are those of "
    "the last column.",
)

# %%
table(
    theorems.symbolic_criteria(),
    index=True,
    label="tab-c-marl-criteria",
    caption="What decides the curvature of each family, confirmed by computer algebra; $w_i$ are the softmax's weights, $f$ its value.",
)

# %%
limits = theorems.softmax_limits(range(2, 13))
path = theorems.transfer_path(Softmax(8.0), [0.5, 0.0, 1.0])

# %% typed="two, three, 0.5, 8: numbers of efforts, and efforts and parameter of our example" mystnb={"figure": {"name": "fig-c-marl-softmax", "caption": "Where the softmax is what Table 3 says, for efforts between 0 and 1. (a) The largest parameter with which it falls with no effort, and with which it is Schur-convex or -concave; two efforts have no limit of the second kind. (b) An exception: three efforts 0.5, 0 and 1 at t = 8; the first hands effort to the second. A Schur-convex aggregate would be lowest in the middle."}, "image": {"alt": "Two panels: two falling curves that level off, that of Schur-convexity far above that of monotony; and a curve that is lowest at both ends and highest in the middle."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
draw.softmax_limits(limits, axes[0])
draw.exception(path, axes[1])
panel_letters(axes)
show(fig, {"limits": limits, "transfer": path})

# %%
claims_table(
    theory,
    "tab-b-3",
    label="tab-c-marl-tab-3",
    caption="Claims of Table 3 and the number of exceptions found.",
)

# %%
sound = [name for name in families if not name.startswith("softmax")]
cite("marl-theory-sound", sum(checks[name].violations for name in sound))
transfers = [name for name in families if name.split(".")[1].startswith("schur")]
cite("marl-theory-transfers", f"{sum(checks[name].cases for name in transfers):,}")
cite("marl-theory-schur-many", Softmax.schur_limit(10**6), ".3g")
cite("marl-theory-schur-3", Softmax.schur_limit(3), ".2f")
cite("marl-theory-monotone-2", Softmax.monotone_limit(2), ".2f")
convex = checks["softmax.schur_convex"]
cite("marl-theory-softmax-share", convex.violations / convex.cases, ".0%")
within = [
    checks[f"softmax.schur_{side}.within"].violations for side in ("convex", "concave")
]
cite("marl-theory-softmax-within", sum(within))

# %% [markdown]
# % typed two, three: numbers of efforts that the statements are about
# - **Power sums, power means and log-sum-exps are what the table says.** Exceptions found among them:
#   {glue:text}`marl-theory-sound`.
# - **The softmax is not Schur-convex for every $t > 0$, nor Schur-concave for every $t < 0$**, once there are three efforts. It
#   fails where two efforts lie more than $2/|t|$ from the aggregate, on the side of the small weights: their weights are so
#   small that making them equal costs nothing, while they weigh the aggregate down less. The search finds exceptions in
#   {glue:text}`marl-theory-softmax-share` of the cases for $t > 0$. For efforts in $[0, 1]$ the property holds up to a limit:
#   $|t| \le$ {glue:text}`marl-theory-schur-3` for three efforts, falling to
#   {glue:text}`marl-theory-schur-many` for many; within it, exceptions found: {glue:text}`marl-theory-softmax-within`.
#   For two efforts it always holds.
# - **Nor is it an aggregator in the paper's sense.** It falls when an effort grows that lies more than $1/|t|$ on that side, which can
#   happen from $|t| =$ {glue:text}`marl-theory-monotone-2` on for two efforts, less for more. Most of Fig 2's map, and the
#   parameters that HetGPS reaches, lie beyond.

# %% [markdown]
# ## Theorems and proofs
#
# % typed 3.1, 3.2, 3.3, 3.4: numbers of theorems
# **What the paper claims.** If $T$ is strictly Schur-convex and $U$ strictly increasing, there is a gain, unless every optimal like
# team puts all effort on one task (Theorem 3.1). If $T$ is Schur-concave there is none (3.2). If the scores always have the same
# sum and $U$ is strictly Schur-convex there is none (3.3). For softmaxes and $N = M$, with $\sigma(t, N) = e^t / (e^t + N - 1)$,
# the gain is 0 for $t \le 0$, at least $\sigma(t, N) - 1/N$ for $\tau \le 0$ and at least $\sigma(t, N) - \sigma(\tau, N)$ for
# $\tau \ge 0$ (3.4). Sums of strictly convex functions inside and of strictly concave increasing ones outside have a gain
# (Corollary F.1).
#
# **How it is checked.** Aggregators are drawn from all families within their conditions, with fewer agents than tasks as well as
# more; the gain, or the inequality in a proof that implies it, is computed; exceptions are counted and made as simple as they
# can be. A search that finds nothing is no proof; where we have one, the text says so.

# %%
named = (
    "theorem_",
    "lemma_",
    "corollary_",
    "budgets",
    "saturated",
    "softmax.h",
    "softmax.t",
    "softmax.sp",
    "softmax.up",
    "softmax.ch",
    "strictly",
    "reversed",
    "blotto",
    "foraging",
)
table(
    theorems.check_table(checks, [name for name in checks if name.startswith(named)]),
    index=True,
    label="tab-b-30",
    caption="Statements of section 3 and appendices E to G as checks: cases tried, exceptions, the simplest one, and what holds.",
)

# %%
claims_table(
    theory,
    "tab-b-30",
    label="tab-c-marl-theorems",
    caption="Claims of the theorems, proofs and examples, and the number of exceptions found.",
)

# %%
for n in (3, 4):
    maps[n]["excess"] = maps[n].gain - maps[n].theorem
near = gains.softmax_gain(
    np.linspace(1, 3, gains.MAPS[run.scale]["points"]),
    [2.0],
    3,
    tolerance=1e-3,
    boxes=gains.MAPS[run.scale]["boxes"],
)

# %% typed=["3.4: number of a theorem", "three, four, 2: agents and the parameter shown, our setting"] mystnb={"figure": {"name": "fig-c-marl-bound", "caption": "How far the gain exceeds the lower bound of Theorem 3.4 for (a) three and (b) four agents and tasks. (c) Gain, lower bound and upper bound for three agents at τ = 2 (dotted line: t = τ)."}, "image": {"alt": "Heat maps that are zero but for a narrow ridge along the diagonal t = τ above zero, higher for four agents than for three; and three curves that differ only close to t = τ, where the gain starts before the lower bound does."}}
fig, axes = plt.subplots(1, 3, figsize=(9, 3))
for n, ax in zip((3, 4), axes, strict=False):
    draw.softmax_map(maps[n], ax, name="excess", label="gain less bound")
draw.bound_against_truth(near, axes[2], tau=2.0)
panel_letters(axes)
show(fig, {"three agents": maps[3], "four agents": maps[4], "near": near})

# %%
cite("marl-theory-tolerance", maps[2].tolerance)
for n in (2, 3, 4):
    cite(f"marl-theory-certified-{n}", float(maps[n].certified.mean()), ".1%")
for n in (3, 4):
    data = maps[n]
    cite(f"marl-theory-gap-{n}", float((data.bound - data.gain).max()), ".3f")
    cite(f"marl-theory-excess-{n}", float(data.excess.max()), ".3f")
quiet = maps[4].where(maps[4].tau <= 0, drop=True)
cite("marl-theory-quiet", float(abs(quiet.bound - quiet.theorem).max()), ".0e")
budget = checks["budgets"].example
for key in ("N", "M", "B_min", "B_max", "inner", "outer"):
    cite(f"marl-theory-budget-{key.lower()}", budget[key], "g")
cite("marl-theory-budget-c", ", ".join(f"{c:g}" for c in budget["c"]))
whole = checks["theorem_3_1.full_effort"].example
cite("marl-theory-whole-c", ", ".join(f"{c:g}" for c in whole["c"]))
cite("marl-theory-whole-n", whole["N"])
cite("marl-theory-superior", checks["strictly_superior"].violations)
cite("marl-theory-superior-cases", checks["strictly_superior"].cases)
holding = [
    name
    for name in checks
    if name.startswith(("theorem_3", "lemma", "corollary"))
    and name
    not in ("theorem_3_1.full_effort", "theorem_3_4.tight", "corollary_f_1.two_tasks")
]
cite("marl-theory-holding", sum(checks[name].violations for name in holding))
cite("marl-theory-holding-cases", f"{sum(checks[name].cases for name in holding):,}")

# %% [markdown]
# % typed 3.1, 3.2, 3.3, 3.4: numbers of theorems
# % typed 2, 3, two, three, four: numbers of agents, tasks, groups or steps that the statements are about
# - **The theorems hold.** {glue:text}`marl-theory-holding` exceptions to Theorems 3.1 to 3.4, the lemma, the corollary and the other steps of their proofs in
#   {glue:text}`marl-theory-holding-cases` cases. For 3.1, 3.2 and F.1 the printed arguments, with the repairs below, are proofs.
# - **Theorem 3.4 needs another proof.** Its first part and the best like team are derived from Schur properties that the softmax
#   lacks for $N \ge 3$, and from monotony that it lacks already for $N = 2$. They are true all the same. By {eq}`eq-marl-chord`,
#   applied to tasks, a softmax $U$ of scores with sum at most 1 is at most $\sigma(\tau, M)$ for $\tau \ge 0$; for $\tau \le 0$ it
#   is at most their mean. For $t \le 0$ no score exceeds the mean effort, so that the scores of any team have such a sum.
# - **And it is sharper than stated.** For $\tau \le 0$ the lower bound *is* the gain: $U$ is at most the mean score, and that at most
#   $\sigma(t, N)$ (bound and theorem differ by at most {glue:text}`marl-theory-quiet` on the map of four). For $\tau > 0$ the gain is at
#   most $\sigma(t + \tau, N) - \sigma(\tau, N)$. For two agents it equals the theorem's bound everywhere
#   (certified to {glue:text}`marl-theory-tolerance` in {glue:text}`marl-theory-certified-2` of the map).
# - **For three agents or more it is not tight near $t = \tau$**: two groups on two tasks earn more than all on one, or each on its own.
#   The gain exceeds the bound by up to {glue:text}`marl-theory-excess-3` for three and {glue:text}`marl-theory-excess-4` for
#   four. Reward and upper bound meet within {glue:text}`marl-theory-tolerance` on {glue:text}`marl-theory-certified-3` and
#   {glue:text}`marl-theory-certified-4` of these maps; the largest distance is {glue:text}`marl-theory-gap-3` and
#   {glue:text}`marl-theory-gap-4`.
# - **Theorem 3.3 says less than it seems to.** For three tasks or more, scores of constant sum are multiples of the mean effort
#   (Cauchy's equation); for two tasks a like team can reach any scores that an unlike one has. Either way there is no gain
#   whatever $U$ is, as long as $T$ is continuous: the curvature of $U$ plays no part.
# - **Other budgets need another word.** The paper says that all results carry over to efforts of at least $B_{\min}$ that sum to at
#   most $B_{\max}$. With $B_{\min}$ = {glue:text}`marl-theory-budget-b_min`, $B_{\max}$ = {glue:text}`marl-theory-budget-b_max`, power sums with
#   exponent {glue:text}`marl-theory-budget-inner` inside and {glue:text}`marl-theory-budget-outer` outside,
#   {glue:text}`marl-theory-budget-n` agents and {glue:text}`marl-theory-budget-m` tasks, the best like team plays
#   ({glue:text}`marl-theory-budget-c`), which is not trivial, and the gain is 0. It carries over if *trivial* means as much on one task as is allowed.
# - **Two steps of proofs fail, and are not needed.** In the proof of Theorem 3.1 no agent need give a whole effort
#   ({glue:text}`marl-theory-whole-n` agents, shares {glue:text}`marl-theory-whole-c`); the allocation constructed is unlike anyway. In that of
#   Corollary F.1 the best like team may use one task ($g = x^2$, $h = y^{0.9}$); then spreading over $\min(N, M)$ tasks is better, since $h$
#   is strictly subadditive.
# - **Not every optimum spends everything.** Under (max, max) one agent may idle. What the paper needs is that some optimum does.
# - **"Strictly superior" needs "strictly".** Section 6 lets any Schur-convex $T$ and Schur-concave $U$ have a gain; the mean is both,
#   and {glue:text}`marl-theory-superior` of {glue:text}`marl-theory-superior-cases` pairs and sizes have none.

# %% tags=["nbval-check-output"]
print(
    "statements with exceptions:",
    *[name for name in checks if checks[name].violations and name.startswith(named)],
)

# %% [markdown]
# % typed two: the games that the section is about
# ## Two games from the literature
#
# **What the paper claims.** In *Colonel Blotto* against a fixed random adversary, colonels win a battlefield with the sum of their
# troops, and nothing is gained by unlike colonels; were troops of different colonels to cooperate badly, there would be a gain.
# In *level-based foraging* an item of level $L$ is worth $L$ and takes $L$ agents. With items of one level the gain over
# $ML$ is $(\min(M, N/L) - 1)/M$, and with different levels there is one whenever several items are worth more than the
# largest single one (appendix E).
#
# **How it is checked.** Blotto's optimum is exact: a battlefield's value is a step function of the force on it, and the reward
# depends on the forces alone. Foraging is a knapsack problem, solved exactly and by all allocations.

# %%
games = [
    (4, [1, 1, 1]),
    (4, [2, 2, 2]),
    (4, [3, 3, 3]),
    (5, [1, 2, 3]),
    (5, [4, 5]),
]
rewards = {
    f"{agents} agents, levels {' '.join(map(str, levels))}": foraging.foraging_rewards(
        agents, levels
    )
    for agents, levels in games
}
table(
    pd.DataFrame(
        {
            "best unlike team": {name: r.heterogeneous for name, r in rewards.items()},
            "best like team": {name: r.homogeneous for name, r in rewards.items()},
            "gain": {name: r.gain for name, r in rewards.items()},
        }
    ).rename_axis("items"),
    index=True,
    label="tab-c-marl-foraging",
    caption="Level-based foraging: the value collected in a step.",
)

# %%
finite = checks["blotto.strict.finite"]
cite("marl-theory-blotto", checks["blotto.gain"].violations)
cite("marl-theory-blotto-cases", checks["blotto.gain"].cases)
cite("marl-theory-blotto-strict", checks["blotto.strict"].violations)
cite("marl-theory-blotto-finite", finite.violations / finite.cases, ".0%")
cite(
    "marl-theory-foraging",
    sum(checks[name].violations for name in checks if name.startswith("foraging")),
)
cite(
    "marl-theory-foraging-cases",
    sum(checks[name].cases for name in checks if name.startswith("foraging")),
)

# %% [markdown]
# - **Blotto has no gain**: {glue:text}`marl-theory-blotto` exceptions in {glue:text}`marl-theory-blotto-cases` random games. Troops must be
#   divisible: with whole troops even a sum has a gain, as (min, mean) does in Table 2.
# - **Bad cooperation gives one only if more force is always better.** Let the force be $\sum_i r_{ij}^2$. Against an adversary whose force has a
#   density there are {glue:text}`marl-theory-blotto-strict` exceptions. Against finitely many known allocations the chance to win is a step function,
#   Schur-convex but not strictly so, and in {glue:text}`marl-theory-blotto-finite` of random games unlike colonels gain nothing
#   although the best like team divides its troops.
# - **Foraging holds throughout**: {glue:text}`marl-theory-foraging` exceptions in {glue:text}`marl-theory-foraging-cases` cases.

# %%
record(theory)

# %%
provenance(run)
