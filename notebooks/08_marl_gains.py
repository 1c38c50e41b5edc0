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

# %% [markdown]
# ## Learning the gain
#
# From here on nothing is optimised from outside: agents learn by trial what to do, and the empirical gain is the reward of a team
# with a network for each agent (*heterogeneous*) less that of a team with one network for all (*homogeneous*), each as trained.
#
# **How we train.** Both papers' teams and ours learn by MAPPO: policies that see what their agent sees, a critic that sees all, and
# the clipped surrogate. All pairs $(U, T)$, seeds and both kinds of team of a study are *one* tensor program (`dpslib.marl.ppo`).
# A run's starts, noise and first weights depend on its seed alone, so that a result does not depend on who shares the program;
# the two teams of a seed share them. Where the paper is silent we took larger steps on smaller batches, normalised
# advantages and targets, and tuned for gains that stop changing early; {numref}`tab-c-marl-budgets` puts both budgets side by side.
#
# **How we measure.** Teams are evaluated by the *mode* of their policies. Agents that share a network but draw their actions
# independently do not act alike, which the theory asks of a homogeneous team; the printed tables of the discrete games
# can only come from modes as well.
#
# **Live and recorded.** What takes longer than a reader's patience was recorded by `dps train STUDY`. The columns and dots "with
# this page" were computed by this execution, at scale `reader` or less; "recorded" ones were read, and are what is held against
# print.

# %%
import json

import torch
from IPython.display import HTML

from dpslib import claims
from dpslib.claims import DATA
from dpslib.marl import catalogue, rollouts, studies, studies_tag, vmas
from dpslib.plots import marl_learning as learned
from dpslib.plots import marl_worlds as worlds

GAMES = [
    "marl-matrix-continuous-2x2",
    "marl-matrix-discrete-2x2",
    "marl-matrix-continuous-4x4",
    "marl-matrix-discrete-4x4",
    "marl-matrix-discrete-8x8",
    "marl-matrix-discrete-11x2",
]
FORAGING = ["marl-foraging", "marl-foraging-mixed"]
EMBODIED = [
    "marl-capture",
    "marl-observability",
    "marl-hetgps-softmax",
    "marl-hetgps-power-sum",
]
LARGE = [
    "marl-matrix-discrete-8x8-longer",
    "marl-capture-longer",
    "marl-hetgps-alternated",
    "marl-hetgps-evolution",
    "marl-tag-2v2",
    "marl-tag-8v3",
    "marl-football",
]


def grow(name, size):
    study = studies.get_study(name.removeprefix("marl-"))
    seeds = range(run.seed, run.seed + study.scales[size].seeds)
    trained = studies.train(study, size, seeds=seeds, device=run.device)
    return studies.reproducible(trained.data)


# %%
light = "smoke" if run.scale == "smoke" else "reader"
kept = {
    name: studies.read_results(name)
    for name in [*GAMES, *FORAGING, *EMBODIED, *LARGE]
    if studies.recorded(name)
}
live = {name: grow(name, light) for name in [*GAMES, *FORAGING, *EMBODIED]}
live |= {name: grow(name, "smoke") for name in LARGE if name not in kept}
data = live | kept
results, spread = {}, {}
for name, part in data.items():
    results |= studies.study_results(part)
    if name in kept:
        spread |= studies.seed_results(part)
errors = [f"marl.matrix.{kind}.4x4.largest_error" for kind in gains.KINDS]
results["marl.matrix.4x4.largest_error"] = max(results[name] for name in errors)


def cells(name):
    parts = ({"recorded": kept[name]} if name in kept else {}) | (
        {"with this page": live[name]} if name in live else {}
    )
    games = name in GAMES
    return catalogue.pair_table(
        parts, catalogue.expected_gain(data[name]) if games else None
    )


def gain_data(part):
    return learned.curve_gain(part).rename("gain")


def positive(name):
    expected = catalogue.expected_gain(data[name])
    return [str(pair) for pair in expected.pair.values if expected.sel(pair=pair) > 0]


# %% [markdown]
# ### Matrix games
#
# **What the paper claims.** In a game of one step in which agents see nothing, learned gains match the theory, in continuous games as
# well as discrete ones (Figs 3 and 6, Tables 5 to 8), and with many agents (Tables 9 and 10), but for cells in which many
# agents have to find the same task by chance.

# %% typed="two, three: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-b-06", "caption": "Fig 6 of paper B, recomputed: gains over training with two agents and two tasks, (a) continuous and (b) discrete; mean and standard deviation over seeds. Triangles: theory. Full lines: pairs with a gain in theory; in (b) the line of (min, mean) lies under that of (mean, max)."}, "image": {"alt": "Two panels of curves that start near zero and end at the triangles: in the continuous game two rise together, in the discrete one three rise to two levels; the dashed ones stay at zero."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for ax, name in zip(axes, GAMES[:2], strict=True):
    expected = catalogue.expected_gain(data[name])
    learned.gain_curves(data[name], ax, positive=positive(name), expected=expected)
axes[1].legend(fontsize="small")
panel_letters(axes)
show(fig, {name: gain_data(data[name]) for name in GAMES[:2]})

# %% typed="four, two, three: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-b-03", "caption": "Fig 3 of paper B, recomputed: gains over training with four agents and four tasks, (a) continuous and (b) discrete, as in the figure before."}, "image": {"alt": "Two panels of curves that rise from zero or below to the triangles: in the continuous game two rise together, in the discrete one three to three levels; the dashed ones end at zero."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for ax, name in zip(axes, GAMES[2:4], strict=True):
    expected = catalogue.expected_gain(data[name])
    learned.gain_curves(data[name], ax, positive=positive(name), expected=expected)
axes[1].legend(fontsize="small")
panel_letters(axes)
show(fig, {name: gain_data(data[name]) for name in GAMES[2:4]})

# %% typed="two: agents and tasks, settings, and what the figure shows"
table(
    cells("marl-matrix-continuous-2x2"),
    label="tab-b-5",
    caption="Table 5 of paper B: gains of the continuous game with two agents and two tasks, mean and standard deviation over seeds.",
)

# %% typed="two: agents and tasks, settings, and what the figure shows"
table(
    cells("marl-matrix-discrete-2x2"),
    label="tab-b-6",
    caption="Table 6: the discrete game with two agents and two tasks.",
)

# %% typed="four: agents and tasks, settings, and what the figure shows"
table(
    cells("marl-matrix-continuous-4x4"),
    label="tab-b-7",
    caption="Table 7: the continuous game with four agents and four tasks.",
)

# %% typed="four: agents and tasks, settings, and what the figure shows"
table(
    cells("marl-matrix-discrete-4x4"),
    label="tab-b-8",
    caption="Table 8: the discrete game with four agents and four tasks.",
)

# %% typed="eight: agents and tasks, settings, and what the figure shows"
table(
    cells("marl-matrix-discrete-8x8"),
    label="tab-b-9",
    caption="Table 9: the discrete game with eight agents and eight tasks.",
)

# %% typed="eleven, two: agents and tasks, settings, and what the figure shows"
table(
    cells("marl-matrix-discrete-11x2"),
    label="tab-b-10",
    caption="Table 10: the discrete game with eleven agents and two tasks.",
)

# %%
claims_table(
    results,
    "fig-b-06",
    label="tab-c-marl-fig-6",
    caption="Claims of Fig 6.",
)

# %%
claims_table(
    results,
    "fig-b-03",
    label="tab-c-marl-fig-3",
    caption="Claims of Fig 3.",
)

# %%
claims_table(
    results,
    "tab-b-5",
    label="tab-c-marl-tab-5",
    caption="Claims of Table 5.",
)

# %%
claims_table(
    results,
    "tab-b-6",
    label="tab-c-marl-tab-6",
    caption="Claims of Table 6.",
)

# %%
claims_table(
    results,
    "tab-b-7",
    label="tab-c-marl-tab-7",
    caption="Claims of Table 7.",
)

# %%
claims_table(
    results,
    "tab-b-8",
    label="tab-c-marl-tab-8",
    caption="Claims of Table 8.",
)

# %%
claims_table(
    results,
    "tab-b-9",
    label="tab-c-marl-tab-9",
    caption="Claims of Table 9.",
)

# %%
claims_table(
    results,
    "tab-b-10",
    label="tab-c-marl-tab-10",
    caption="Claims of Table 10.",
)

# %%
for kind in gains.KINDS:
    for size in ("2x2", "4x4"):
        found = results[f"marl.matrix.{kind}.{size}.largest_error"]
        cite(f"marl-error-{kind}-{size}", found, ".3f")
longer = data["marl-matrix-discrete-8x8-longer"]
for pair in ("mean_min", "max_min"):
    cite(f"marl-8x8-{pair}", results[f"marl.matrix.discrete.8x8.{pair}.gain"], ".3f")
    found = results[f"marl.matrix.discrete.8x8.{pair}.gain_longer"]
    cite(f"marl-8x8-{pair}-longer", found, ".3f")
    cite(
        f"marl-8x8-{pair}-seeds",
        int((longer.gain.sel(pair=pair) > -1e-3).sum()),
    )
cite("marl-8x8-longer-seeds", longer.sizes["seed"])
cite("marl-8x8-longer-frames", int(longer.frame[-1]), ",")
cite("marl-8x8-chance", 8.0**-7, ".1e")
crowd = data["marl-matrix-discrete-11x2"].sel(pair="min_max")
last = crowd.sampled.isel(frame=-1).mean("seed")
noisy = last.sel(team="heterogeneous") - last.sel(team="homogeneous")
cite("marl-11x2-mode", float(crowd.gain.mean()), ".3f")
cite("marl-11x2-sampled", float(noisy), ".3f")

# %% [markdown]
# % typed eight, eleven, two: agents, tasks, pairs and teams, settings of the paper
# - **The theory's gains are learned.** The largest distance of a cell is {glue:text}`marl-error-discrete-2x2` (discrete) and
#   {glue:text}`marl-error-continuous-2x2` (continuous) for the smaller game, {glue:text}`marl-error-discrete-4x4` and
#   {glue:text}`marl-error-continuous-4x4` for the larger one. In continuous games the paper's own tables are farther off
#   ({numref}`tab-c-marl-tab-7`).
# - **What many agents must find by chance takes long.** With eight agents the gain under (mean, min) is
#   {glue:text}`marl-8x8-mean_min` and under (max, min) {glue:text}`marl-8x8-max_min`: nothing is paid unless all choose one task, which a
#   random team does with probability {glue:text}`marl-8x8-chance`, whereas the mode of a shared policy cannot fail to. With
#   {glue:text}`marl-8x8-longer-frames` frames in batches as large as the paper's the gains are
#   {glue:text}`marl-8x8-mean_min-longer` and {glue:text}`marl-8x8-max_min-longer`:
#   {glue:text}`marl-8x8-mean_min-seeds` and {glue:text}`marl-8x8-max_min-seeds` of {glue:text}`marl-8x8-longer-seeds` seeds have found it.
# - **Noise is diversity.** With eleven agents and two tasks the gain under (min, max) is {glue:text}`marl-11x2-mode` between modes, but
#   {glue:text}`marl-11x2-sampled` between teams that draw their actions: agents with one random policy cover both tasks nearly always.
# - **Table 10 repeats cells of Table 9.** Where eleven agents must agree on one of two tasks the reward is 0 or $1/M$, so that the
#   printed value with no spread is none that seeds can have.

# %% [markdown]
# ### Level-based foraging
#
# Appendix E of paper B works out what teams of agents of skill 1 gain when an item has to be met by as many of them as its level says.
# It is also a game: agents start together on a grid, see their own cell and the items, move one cell a step, and are paid the value of
# what they hold. Walking takes time; what remains of the theory's gain follows from dynamic programming over the cells of all agents
# (`dpslib.marl.foraging.planned_rewards`), for agents that plan together and for agents that stay together.

# %%
rows_of = []
for name in FORAGING:
    world = studies.get_study(name.removeprefix("marl-")).world([])
    best = foraging.foraging_rewards(world.agents, world.levels)
    uniform = torch.rand(
        2000, world.draws, generator=torch.Generator().manual_seed(run.seed)
    )
    plan = foraging.planned_rewards(world, uniform)
    reward = data[name].reward.isel(pair=0)
    for team in ("heterogeneous", "homogeneous"):
        found = reward.sel(team=team)
        error = f" ± {float(found.std(ddof=1)):.3f}" if found.size > 1 else ""
        rows_of.append(
            {
                "agents": world.agents,
                "levels": ", ".join(map(str, world.levels)),
                "team": team,
                "theory": getattr(best, team),
                "with walking": getattr(plan, team),
                "learned": f"{float(found.mean()):.3f}{error}",
            }
        )
    key = name.removeprefix("marl-")
    cite(f"{key}-gain", float(data[name].gain.mean()), ".2f")
    cite(f"{key}-plan", plan.heterogeneous - plan.homogeneous, ".2f")
    cite(f"{key}-theory", best.gain, "g")
table(
    pd.DataFrame(rows_of),
    label="tab-c-marl-foraging-game",
    caption="Level-based foraging as a game: reward of a step in theory, at best with the way to the items, and as learned; mean and standard "
    "deviation over seeds.",
    formats={"theory": ".0f", "with walking": ".3f"},
)

# %% [markdown]
# Unlike teams learn to divide the items. With items of one level the gain is {glue:text}`foraging-gain` (at best
# {glue:text}`foraging-plan`, without ways {glue:text}`foraging-theory`), with items of different levels
# {glue:text}`foraging-mixed-gain` (at best {glue:text}`foraging-mixed-plan`, without ways {glue:text}`foraging-mixed-theory`).

# %% [markdown]
# ### Multi-goal-capture
#
# % typed two: agents, tasks, pairs and teams, settings of the paper
# **What the paper claims.** Two agents that are pushed around see two goals; effort is relative proximity, paid at every step. The gain is
# positive for (min, max) and (mean, max) alone, smaller for the latter, and negative where agents have to agree on a goal, until
# they have trained for longer (Fig 4a, Table 11). Like agents go to the midpoint, unlike ones to a goal each, on ways
# that part further than they need to (Fig 7).

# %% typed="two: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-b-04", "caption": "Fig 4 of paper B, recomputed: gains over training in (a) Multi-goal-capture and (b) Tag with two chasers and two escapers; mean and standard deviation over seeds. Full lines: pairs with a gain in theory, of continuous efforts in (a) and of discrete ones in (b)."}, "image": {"alt": "Two panels of curves of the gain over training."}}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2))
learned.gain_curves(data["marl-capture"], axes[0], positive=positive(GAMES[0]))
if "marl-capture" in kept:
    learned.live_points(live["marl-capture"], axes[0])
learned.gain_curves(data["marl-tag-2v2"], axes[1], positive=positive(GAMES[1]))
for ax in axes:
    ax.legend(fontsize="small")
panel_letters(axes)
show(fig, {name: gain_data(data[name]) for name in ("marl-capture", "marl-tag-2v2")})

# %%
table(
    cells("marl-capture"),
    label="tab-b-11",
    caption="Table 11 of paper B: gains in Multi-goal-capture, mean reward of a step, mean and standard deviation over seeds.",
)

# %%
claims_table(
    results,
    "tab-b-11",
    label="tab-c-marl-tab-11",
    caption="Claims of Table 11 and of appendix K.",
)

# %%
claims_table(
    results,
    "fig-b-04",
    label="tab-c-marl-fig-4",
    caption="Claims of Fig 4.",
)


# %%
def play(name, episodes, seed=0, **selection):
    study = studies.get_study(name.removeprefix("marl-"))
    plain = [studies.Run(0.0, "min", "max", seed)]
    world = study.world(plain)
    teams = {
        team: studies.kept_policy(
            data[name],
            world,
            team=team,
            kept_pair="min_max",
            seed=int(data[name].seed[0]),
            **selection,
        )
        for team in ("homogeneous", "heterogeneous")
    }
    uniform = torch.rand(
        episodes, world.draws, generator=torch.Generator().manual_seed(seed)
    )
    return world, teams, rollouts.record(world, teams, uniform, "min", "max")


def rows(shown, count):
    wide, high = shown.attrs["extent"]
    fig, axes = plt.subplots(2, count, figsize=(9, 0.4 + 2 * 9 / count * high / wide))
    for row, policy in zip(axes, ("homogeneous", "heterogeneous"), strict=True):
        for episode, ax in enumerate(row):
            worlds.trajectories(shown, ax, policy=policy, episode=episode)
        row[0].set_ylabel(policy)
    return fig


# %% typed="two: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-b-07", "caption": "Fig 7 of paper B, recomputed: episodes of trained teams under (min, max), from the same starts; homogeneous teams above, heterogeneous ones below. Squares: goals."}, "image": {"alt": "Two rows of scenes with two paths from the left to the right: above both stay at the wall behind them, far from both squares; below they cross, part further than they need to, and each ends at a square of its own."}}
field, teams, shown = play("marl-capture", 4)
show(rows(shown, 4), shown)

# %%
HTML(
    worlds.player(
        shown,
        label="An episode of a homogeneous and a heterogeneous team in Multi-goal-capture",
    )
)

# %%
claims_table(
    results,
    "fig-b-07",
    label="tab-c-marl-fig-7",
    caption="Claims of Fig 7.",
)

# %%
for name in ("min_max", "mean_max", "max_min", "max_mean"):
    found = results.get(f"marl.capture.{name}.gain", float("nan"))
    cite(f"marl-capture-{name}", found, ".3f")
    longer = results.get(f"marl.capture.{name}.gain_longer", float("nan"))
    cite(f"marl-capture-{name}-longer", longer, ".3f")
both = data["marl-capture"]
cite("marl-capture-frames", int(both.attrs["frames"]), ",")
cite("marl-capture-seeds", both.sizes["seed"])
cite(
    "marl-capture-mid", results["marl.capture.min_max.midpoint.counterexamples"], ".0f"
)
homogeneous = both.reward.sel(team="homogeneous", pair="min_max")
cite("marl-capture-hom", float(homogeneous.mean()), ".3f")
many = torch.rand(1, 200, field.draws, generator=torch.Generator().manual_seed(1))
moved = (
    vmas.gains(field, teams["heterogeneous"], teams["homogeneous"], many, "min", "max")
    if vmas.available()
    else {}
)
for place in ("here", "vmas"):
    cite(
        f"marl-capture-{place}",
        f"{float(moved[place]):.4f}" if moved else "not measured",
    )

# %% [markdown]
# - **The signs are those of the theory** as far as the gains that are positive go: {glue:text}`marl-capture-min_max` for (min, max) and
#   {glue:text}`marl-capture-mean_max` for (mean, max), with {glue:text}`marl-capture-frames` frames and
#   {glue:text}`marl-capture-seeds` seeds. The gain is that of a whole episode: no team is at its goals when it starts.
# - **Why one gain is larger than the other.** The paper says that under (min, max) the midpoint is the only best place of a like team and
#   hard to find. Yet every place as far from one goal as from the other is as good
#   ({glue:text}`marl-capture-mid` random ones tried are), and a like team reaches {glue:text}`marl-capture-hom`, what the theory gives
#   it. The reason is in {numref}`tab-b-11`'s games themselves: independent starts make agents differ, and with what they see of
#   their own place a shared policy can send one up and one down now and then, which (mean, max) rewards and (min, max) hardly.
# - **Agreeing on a goal** pays {glue:text}`marl-capture-max_min` under (max, min) and {glue:text}`marl-capture-max_mean` under (max, mean) here, and
#   {glue:text}`marl-capture-max_min-longer` and {glue:text}`marl-capture-max_mean-longer` after longer training.
# - **In the field's simulator.** The team of the figure, trained on our point masses, gains {glue:text}`marl-capture-here` there and
#   {glue:text}`marl-capture-vmas` when VMAS moves the bodies.

# %% [markdown]
# ### What agents see
#
# **What the paper claims.** If agents sense each other, agents that share a network can take different roles, and the gain of unlike
# networks falls as the sensing radius grows (Figs 11 and 12, appendix N).

# %% mystnb={"figure": {"name": "fig-b-11", "caption": "Fig 11 of paper B, recomputed: the gain under (min, max) in Multi-goal-capture against the sensing radius; dots: seeds."}, "image": {"alt": "A line that falls from left to right with dots around it."}}
fig, ax = plt.subplots(figsize=(4.5, 3.2))
learned.gain_by_radius(data["marl-observability"], ax)
show(fig, data["marl-observability"].gain)

# %% mystnb={"figure": {"name": "fig-b-12", "caption": "Fig 12 of paper B, recomputed: the same gain over training, mean and standard deviation over seeds."}, "image": {"alt": "Curves of the gain over training, one for each radius; the smaller the radius, the higher the curve at the end."}}
fig, ax = plt.subplots(figsize=(5.5, 3.4))
learned.radius_curves(data["marl-observability"], ax)
show(fig, gain_data(data["marl-observability"]))

# %%
claims_table(
    results,
    "fig-b-11",
    label="tab-c-marl-fig-11",
    caption="Claims of Fig 11.",
)

# %%
claims_table(
    results,
    "fig-b-12",
    label="tab-c-marl-fig-12",
    caption="Claims of Fig 12.",
)

# %%
seen = data["marl-observability"].gain.mean(("pair", "seed")).sortby("radius")
cite("marl-seen-none", float(seen[0]), ".3f")
cite("marl-seen-all", float(seen[-1]), ".3f")

# %% [markdown]
# - Without sensing the gain is {glue:text}`marl-seen-none`, with sight of everything {glue:text}`marl-seen-all`: the gain belongs to behaviour,
#   and networks are one way to it. Our sensor tells the place of the other agent within the radius; the paper's gives proximity
#   readings around the agent.

# %% [markdown]
# ## Searching for the reward: HetGPS
#
# **What the paper claims.** *HetGPS* trains both teams and moves the parameters $\theta = (\tau_T, \tau_U)$ of the reward along the
# gradient of the gain. From means, and also from the wrong side, it makes $T$ Schur-convex and $U$ Schur-concave, with softmaxes and
# with power sums (Fig 5, Table 14). It adds about {glue:text}`marl-overhead-printed` to the time of training.
#
# **What it leaves open.** The step size, and how far a gradient reaches. Given the actions, no state depends on $\theta$. So the
# gradient of the gain is, exactly, the mean over all steps of
#
# $$
# \frac{\partial}{\partial \theta} \Big( U_{\tau_U} \big(T_{\tau_T}(a_1), \dots, T_{\tau_T}(a_M)\big) \Big)
# $$ (eq-marl-hetgps)
#
# for one team less that for the other: no gradient passes through the physics. We take it with Adam's step; an *evolution strategy* that
# sees gains alone stands in for environments without gradient, which the paper leaves to others (appendix P).

# %% mystnb={"figure": {"name": "fig-b-05", "caption": "Fig 5 of paper B, recomputed: inner parameter, outer parameter and gain over training, (a to c) with softmaxes and (d to f) with power sums; thin lines: seeds. Besides the neutral start the softmax has the adversarial one of Table 14, and a search for the smallest gain from where it is large. Dotted: where curvature changes its sign."}, "image": {"alt": "Six panels. From the neutral and the adversarial start the inner parameter rises, the outer one falls and the gain rises; where the gain is minimised the inner parameter falls."}}
fig, axes = plt.subplots(2, 3, figsize=(9, 5.4))
names = {"tau_t": "inner parameter", "tau_u": "outer parameter", "gain": "gain ΔR"}
for row, name, turning in zip(axes, EMBODIED[2:], (0.0, 1.0), strict=True):
    for ax, (key, label) in zip(row, names.items(), strict=True):
        line = None if key == "gain" else turning
        learned.search_curves(data[name], ax, name=key, label=label, turning=line)
axes[0, 0].legend(fontsize="small")
panel_letters(axes.flat)
show(fig, {name: data[name][list(names)] for name in EMBODIED[2:]})

# %%
search = data["marl-hetgps-softmax"].sel(arm="adversarial")
shares = [0.0, 0.5, 0.75, 1.0]
adverse = search.sel(
    frame=[share * float(search.frame[-1]) for share in shares], method="nearest"
)
table(
    pd.DataFrame(
        {
            "share of the budget": [f"{share:.0%}" for share in shares],
            "million frames": adverse.frame.values / 1e6,
            **{
                label: [
                    f"{float(one.mean()):.2f}"
                    + (f" ± {float(one.std(ddof=1)):.2f}" if one.size > 1 else "")
                    for one in adverse[key]
                ]
                for key, label in (("tau_t", "inner"), ("tau_u", "outer"))
            },
        }
    ),
    label="tab-b-14",
    caption="Table 14 of paper B: parameters from the adversarial start, mean and standard deviation over seeds, at the paper's shares of a "
    "budget.",
    formats={"million frames": ".3g"},
)

# %%
claims_table(
    results,
    "fig-b-05",
    label="tab-c-marl-fig-5",
    caption="Claims of Fig 5 and of appendix P.",
)

# %%
claims_table(
    results,
    "tab-b-14",
    label="tab-c-marl-tab-14",
    caption="Claims of Table 14. Its frames are read as shares of the budget, ours being smaller.",
)

# %% typed="two: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-c-marl-searches", "caption": "Two other ways to search over softmaxes from the neutral start: (a to c) teams and reward trained in turn; (d to f) an evolution strategy that sees gains alone."}, "image": {"alt": "Six panels of curves of both parameters and the gain over training."}}
fig, axes = plt.subplots(2, 3, figsize=(9, 5.4))
for row, name in zip(axes, LARGE[2:4], strict=True):
    for ax, (key, label) in zip(row, names.items(), strict=True):
        line = None if key == "gain" else 0.0
        learned.search_curves(data[name], ax, name=key, label=label, turning=line)
panel_letters(axes.flat)
show(fig, {name: data[name][list(names)] for name in LARGE[2:4]})

# %%
for name in ("marl-hetgps-softmax", "marl-hetgps-alternated", "marl-hetgps-evolution"):
    part = data[name]
    key = name.removeprefix("marl-hetgps-")
    for arm in part.arm.values:
        end = part.sel(arm=arm).isel(frame=-1)
        right = (end.tau_t > 0) & (end.tau_u < 0)
        cite(f"marl-{key}-{arm}-right", int(right.sum()))
        cite(f"marl-{key}-{arm}-gain", float(end.gain.mean()), ".3f")
        cite(f"marl-{key}-{arm}-inner", int((end.tau_t > 0).sum()))
    cite(f"marl-{key}-seeds", part.sizes["seed"])
    cite(f"marl-{key}-frames", int(part.attrs["frames"]), ",")
sums = data["marl-hetgps-power-sum"].sel(arm="neutral").isel(frame=-1)
right = (sums.tau_t > 1) & (sums.tau_u < 1)
cite("marl-power-right", int(right.sum()))
cite("marl-power-seeds", sums.sizes["seed"])
cite("marl-power-gain", float(sums.gain.where(right).mean()), ".3f")
cite("marl-power-outer", float(sums.tau_u.max()), ".2f")
cite("marl-overhead", results["marl.hetgps.overhead"] / 100, ".1%")
cite("marl-overhead-printed", claims.load()["B-P.3-overhead"].value / 100, ".0%")

# %% [markdown]
# % typed two: agents, tasks, pairs and teams, settings of the paper
# - **Where searches end.** From the neutral start {glue:text}`marl-softmax-neutral-right` of {glue:text}`marl-softmax-seeds` seeds end with
#   $\tau_T > 0$ and $\tau_U < 0$, at a gain of {glue:text}`marl-softmax-neutral-gain`. From the adversarial one $\tau_T$ becomes positive in
#   {glue:text}`marl-softmax-adversarial-inner` and the gain rises to {glue:text}`marl-softmax-adversarial-gain`, but $\tau_U$ becomes negative
#   only in {glue:text}`marl-softmax-adversarial-right`: our budget is a small part of the paper's, and where $U$ is nearly a maximum the
#   gradient on $\tau_U$ is nearly nothing. Searching for the smallest gain from where it is large ends at
#   {glue:text}`marl-softmax-minimised-gain`.
# - **First steps follow noise.** At $\theta = (0, 0)$ the reward is a constant, neither team can learn, and the gain's gradient is
#   what two untrained teams happen to do. Some seeds go the wrong way first ({numref}`fig-b-05`).
# - **Power sums have no scale.** From the exponents 1 and 1, {glue:text}`marl-power-right` of {glue:text}`marl-power-seeds` seeds end with
#   $\tau_T > 1 > \tau_U$, at a gain of {glue:text}`marl-power-gain`. The others are drawn to large outer exponents, up to
#   {glue:text}`marl-power-outer`: there two agents on one goal are paid many times what any divided team gets, and whether one team
#   happens to have agreed while the other has not yet outweighs what diversity earns.
# - **In turn or side by side**: {glue:text}`marl-alternated-neutral-right` of {glue:text}`marl-alternated-seeds` seeds end on that side when teams and
#   reward are trained in turn.
# - **Without gradients** an evolution strategy searches behind the same interface. It is not recorded; computed with this page, of
#   {glue:text}`marl-evolution-seeds` searches of {glue:text}`marl-evolution-frames` frames {glue:text}`marl-evolution-neutral-right` end there, with a gain
#   of {glue:text}`marl-evolution-neutral-gain`, which is too short to say more. Each of its points has teams of its own, which is its cost.
# - **The gradient is nearly free**: {glue:text}`marl-overhead` of the time of an iteration. The paper's {glue:text}`marl-overhead-printed` pay for passing
#   it through the physics, which adds nothing.

# %% [markdown]
# ## Tag
#
# % typed two, eight, three, five: agents, tasks, pairs and teams, settings of the paper
# **What the paper claims.** Two chasers pursue two escapers that flee by rule; effort is 1 once a chaser has caught an escaper, and is
# paid at every step. Gains are positive for (min, mean), (min, max) and (mean, max) alone (Fig 4b, Table 12). With eight chasers and
# three escapers they are for (min, mean) and (min, max), of five pairs (Fig 9).

# %% [markdown]
# % typed two: the pilots had one or two seeds
# % typed seven: schedules tried, a count of what we did
# **What it leaves open.** How fast and how large everybody is, by which rule escapers flee, what becomes of one that is caught, the
# unit of the gains, and how a team learns from a reward that is zero until somebody is caught. Sizes and forces are those of
# VMAS's `simple_tag`, in which escapers are faster; a caught escaper runs on; gains are mean rewards of a step. Training begins with an
# advance on efforts, larger the nearer a chaser is, and with the mean over tasks in place of $U$; both fade, and what is measured is
# the paper's reward alone. Seven such schedules were tried before in pilots with one or two seeds; this one was then recorded once.
# As a yardstick, chasers that follow rules written by hand: all run at the *first* escaper, each at the *nearest*, or each
# at its *own*, which takes chasers that differ.

# %%
rules = studies_tag.scripted_gains(
    studies.get_study("tag-2v2").world([]),
    episodes={"smoke": 10, "reader": 100, "paper": 1000}[run.scale],
    seed=run.seed,
)
by_rule = rules.reward.to_pandas().T
like = by_rule[["first", "nearest"]].max(axis=1)
chase = data["marl-tag-2v2"]
for pair in ("min_max", "min_mean", "mean_max"):
    cite(f"marl-tag-rule-{pair}", by_rule.own[pair] - like[pair], ".2f")
    cite(f"marl-tag-own-{pair}", by_rule.own[pair], ".2f")
    gain = chase.gain.sel(pair=pair) if pair in chase.pair else chase.gain * np.nan
    cite(f"marl-tag-{pair}", float(gain.mean()), ".3f")
    cite(f"marl-tag-{pair}-positive", int((gain > 0).sum()))
    reward = (
        chase.reward.sel(pair=pair, team="heterogeneous")
        if pair in chase.pair
        else gain
    )
    cite(f"marl-tag-earned-{pair}", float(reward.mean()), ".2f")
cite("marl-tag-signs", int(results.get("marl.tag.2v2.signs", 0)))
cite("marl-tag-seeds", chase.sizes["seed"])
cite("marl-tag-frames", int(chase.attrs["frames"]), ",")
printed = claims.load()["B-L-mean-max"]
cite("marl-tag-printed-mean-max", printed.printed)

# %% typed="two: agents and tasks, settings, and what the figure shows"
table(
    cells("marl-tag-2v2"),
    label="tab-b-12",
    caption="Table 12 of paper B: gains in Tag with two chasers and two escapers, mean and standard deviation over seeds.",
)

# %%
claims_table(
    results,
    "tab-b-12",
    label="tab-c-marl-tab-12",
    caption="Claims of Table 12 and of appendix L.",
)

# %% typed="two: agents and tasks, settings, and what the figure shows"
table(
    by_rule.rename_axis("pair").reset_index(),
    label="tab-c-marl-tag-rules",
    caption="Reward of a step of chasers that follow rules, two against two.",
    formats=dict.fromkeys(by_rule, ".3f"),
)

# %% [markdown]
# % typed nine: pairs of aggregators
# - **The strongest gain is there.** Under (min, max) unlike chasers gain {glue:text}`marl-tag-min_max`, in
#   {glue:text}`marl-tag-min_max-positive` of {glue:text}`marl-tag-seeds` seeds, more than under any other pair: they divide the escapers, like
#   ones run after the same ({numref}`tab-c-marl-fig-8`). {glue:text}`marl-tag-signs` of nine signs are as printed.
# - **The two smaller gains are not reached** with {glue:text}`marl-tag-frames` frames: (min, mean) gains
#   {glue:text}`marl-tag-min_mean` ({glue:text}`marl-tag-min_mean-positive` seeds positive), (mean, max) {glue:text}`marl-tag-mean_max`
#   ({glue:text}`marl-tag-mean_max-positive`). They are there to be had: chasers with an escaper of their own gain
#   {glue:text}`marl-tag-rule-min_mean` and {glue:text}`marl-tag-rule-mean_max` over the better of the two rules for like ones
#   ({numref}`tab-c-marl-tag-rules`). But our teams have not learned to chase as well as a rule: under (min, mean) the unlike ones earn
#   {glue:text}`marl-tag-earned-min_mean`, the rule {glue:text}`marl-tag-own-min_mean`; under (mean, max)
#   {glue:text}`marl-tag-earned-mean_max` and {glue:text}`marl-tag-own-mean_max`. The paper's own (mean, max),
#   {glue:text}`marl-tag-printed-mean-max`, is not distinguishable from zero.

# %% typed="two: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-b-08", "caption": "Fig 8 of paper B, recomputed: episodes of trained chasers under (min, max), from the same starts; homogeneous teams above, heterogeneous ones below. Grey: obstacles."}, "image": {"alt": "Two rows of scenes with the paths of two chasers and two escapers among grey circles: above the chasers end close together, below further apart, each with an escaper in front of it."}}
_, _, shown = play("marl-tag-2v2", 4)
show(rows(shown, 4), shown)

# %% typed="two: agents and tasks, settings, and what the figure shows"
HTML(
    worlds.player(
        shown, label="An episode of like and of unlike chasers in Tag, two against two"
    )
)

# %%
claims_table(
    results,
    "fig-b-08",
    label="tab-c-marl-fig-8",
    caption="Claims of Fig 8.",
)

# %% typed="eight, three: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-b-09", "caption": "Fig 9 of paper B, recomputed: gains over training in Tag with eight chasers and three escapers; mean and standard deviation over seeds. Full lines: pairs with a gain in theory."}, "image": {"alt": "Curves of the gain over training, one for each pair."}}
fig, ax = plt.subplots(figsize=(5.5, 3.4))
learned.gain_curves(
    data["marl-tag-8v3"], ax, positive=["min_mean", "min_max", "mean_max"]
)
ax.legend(fontsize="small")
show(fig, gain_data(data["marl-tag-8v3"]))

# %%
claims_table(
    results,
    "fig-b-09",
    label="tab-c-marl-fig-9",
    caption="Claims of Fig 9.",
)

# %%
crowded = data["marl-tag-8v3"]
for pair in crowded.pair.values:
    cite(f"marl-8v3-{pair}", float(crowded.gain.sel(pair=pair).mean()), ".2f")
cite("marl-8v3-frames", int(crowded.attrs["frames"]), ",")
cite("marl-8v3-seeds", crowded.sizes["seed"])
cite("marl-8v3-printed", f"{studies.get_study('tag-8v3').budget.frames:,.0f}")

# %% [markdown]
# % typed eight: agents, a setting of the paper
# **Nothing is decided for eight chasers.** {glue:text}`marl-8v3-frames` frames of {glue:text}`marl-8v3-seeds` seeds are what was borne here, of the
# paper's {glue:text}`marl-8v3-printed`; the gain under (min, max) is {glue:text}`marl-8v3-min_max` at that point. The curves tell of the
# beginning of a training, not of its end. The paper takes (mean, max) for a control here, although its own Table 2 gives it a gain.

# %% [markdown]
# ## Football
#
# % typed two: agents, tasks, pairs and teams, settings of the paper
# **What the paper claims.** Two agents, a ball and an opponent. The reward is a football score of its own plus $U_j T_i r_{ij}$ of proximity to
# ball and opponent. Gains are positive for (min, max) and (mean, max) and not for two controls (Table 13), and unlike agents
# divide ball and opponent among them (Fig 10).

# %%
table(
    cells("marl-football"),
    label="tab-b-13",
    caption="Table 13 of paper B: gains in the football drill, mean and standard deviation over seeds.",
)

# %%
claims_table(
    results,
    "tab-b-13",
    label="tab-c-marl-tab-13",
    caption="Claims of Table 13 and of appendix M.",
)

# %% typed="two: agents and tasks, settings, and what the figure shows" mystnb={"figure": {"name": "fig-b-10", "caption": "Fig 10 of paper B, recomputed: episodes of trained teams in the drill under (min, max), from the same starts; homogeneous teams above, heterogeneous ones below."}, "image": {"alt": "Two rows of scenes on a pitch with the paths of two agents, an opponent and a ball."}}
_, _, shown = play("marl-football", 3)
show(rows(shown, 3), shown)

# %%
HTML(
    worlds.player(
        shown, label="An episode of like and of unlike agents in the football drill"
    )
)

# %%
claims_table(
    results,
    "fig-b-10",
    label="tab-c-marl-fig-10",
    caption="Claims of Fig 10.",
)

# %%
drill = data["marl-football"]
for pair in ("min_max", "mean_max"):
    found = results.get(f"marl.football.{pair}.gain", float("nan"))
    cite(f"marl-football-{pair}", found, ".2f")
others = drill.gain.sel(pair=[p for p in drill.pair.values if str(p)[-3:] != "max"])
cite("marl-football-others", float(abs(others.mean("seed")).max()), ".2f")
cite("marl-football-seeds", drill.sizes["seed"])
cite("marl-football-frames", int(drill.attrs["frames"]), ",")
for team in drill.team.values:
    part = drill.sel(pair="min_max", team=team).mean("seed")
    cite(f"marl-football-{team}-together", float(part.together), ".0%")
    cite(f"marl-football-{team}-split", float(part.split), ".0%")
cite("marl-football-budget", results["marl.football.budget.counterexamples"], ".0f")

# %% [markdown]
# - **All signs are as printed**, with {glue:text}`marl-football-frames` frames and {glue:text}`marl-football-seeds` seeds: unlike agents gain
#   {glue:text}`marl-football-min_max` under (min, max) and {glue:text}`marl-football-mean_max` under (mean, max), and at most
#   {glue:text}`marl-football-others` either way under the controls. The paper does not say in which unit its gains are; ours are mean
#   rewards of a step, the score of the game included.
# - **What agents do.** All are nearer to the same of ball and opponent in {glue:text}`marl-football-homogeneous-together` of the steps of
#   like and {glue:text}`marl-football-heterogeneous-together` of unlike teams; ball and opponent have different agents nearest to them in
#   {glue:text}`marl-football-homogeneous-split` and {glue:text}`marl-football-heterogeneous-split`.
# - **Efforts are no budget** as printed: at {glue:text}`marl-football-budget` of as many random places they sum to more than an agent has, so
#   that the theory of divided efforts does not apply as it stands.

# %% [markdown]
# ## What it cost

# %%
table(
    catalogue.budget_table(data),
    label="tab-c-marl-budgets",
    caption="Frames of a team and seeds, in the paper and here, for what the figures and tables of this chapter show: recorded where there is a "
    "record, with time and device, else computed with this page.",
)

# %%
peer = json.loads(
    (DATA / "results" / "marl-benchmark.json").read_text(encoding="utf-8")
)
speed = peer["speed"]
table(
    pd.DataFrame(
        {
            "trainer": list(speed["frames_per_second"]),
            "frames a second": list(speed["frames_per_second"].values()),
            "ensemble is faster by": [
                speed["ratio"].get(name, {}).get("median")
                for name in speed["frames_per_second"]
            ],
        }
    ),
    label="tab-c-marl-peer",
    caption="Frames of all teams a second of processor time on one thread, the same game, network, batch and passes; recorded by "
    "`benchmarks/peer_torchrl.py`, ratios within turns.",
    formats={"frames a second": ",.0f", "ensemble is faster by": ".1f"},
)

# %%
for study, same in peer["agreement"].items():
    cite(f"marl-peer-{study}-frames", f"{same['frames']:,}")
    for team, found in same["teams"].items():
        cite(f"marl-peer-{study}-{team}-t", found["t"], ".1f")
        for trainer in ("ensemble", "torchrl"):
            key = f"marl-peer-{study}-{team}-{trainer}"
            cite(key, np.mean(found[trainer]), ".3f")
            cite(f"{key}-sd", np.std(found[trainer], ddof=1), ".3f")

# %% [markdown]
# % typed two: agents and tasks of the game, a setting
# - **Beside TorchRL, in a game.** In the continuous game of two agents and two tasks, trained under (min, max) on
#   {glue:text}`marl-peer-game-frames` frames, heterogeneous teams earn {glue:text}`marl-peer-game-heterogeneous-ensemble` ±
#   {glue:text}`marl-peer-game-heterogeneous-ensemble-sd` here and {glue:text}`marl-peer-game-heterogeneous-torchrl` ±
#   {glue:text}`marl-peer-game-heterogeneous-torchrl-sd` by TorchRL, homogeneous ones {glue:text}`marl-peer-game-homogeneous-ensemble` ±
#   {glue:text}`marl-peer-game-homogeneous-ensemble-sd` and {glue:text}`marl-peer-game-homogeneous-torchrl` ±
#   {glue:text}`marl-peer-game-homogeneous-torchrl-sd` (Welch's $t$ of the difference: {glue:text}`marl-peer-game-homogeneous-t`).
# - **Beside TorchRL, in a world.** In Multi-goal-capture homogeneous teams agree after {glue:text}`marl-peer-capture-frames` frames
#   ({glue:text}`marl-peer-capture-homogeneous-ensemble` ± {glue:text}`marl-peer-capture-homogeneous-ensemble-sd` and
#   {glue:text}`marl-peer-capture-homogeneous-torchrl` ± {glue:text}`marl-peer-capture-homogeneous-torchrl-sd`), heterogeneous ones do not:
#   {glue:text}`marl-peer-capture-heterogeneous-ensemble` ± {glue:text}`marl-peer-capture-heterogeneous-ensemble-sd` here,
#   {glue:text}`marl-peer-capture-heterogeneous-torchrl` ± {glue:text}`marl-peer-capture-heterogeneous-torchrl-sd` by TorchRL
#   ($t$: {glue:text}`marl-peer-capture-heterogeneous-t`). TorchRL's agents stay at the wall behind them, far from both goals, where a
#   wrong choice costs little: a plateau that ours leave. Our first weights and a normalised critic did not free TorchRL's; why
#   it stays is not known to us.
# - **Your own study.** `dps train` lists the studies; `dps train capture --seeds 0:3` trains some of the seeds, on a machine of many
#   (`dps train --help` has an example for Slurm), and `--merge` joins the parts. `dpslib.marl.studies.Study` takes any world that
#   keeps to `dpslib.marl.world.World`.

# %%
record(theory, results, spread=spread)

# %%
provenance(run)
