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
# (report)=
# # Replication report
#
# The order of this page is that of ReScience C and of the ML Reproducibility Challenge, so that it can be compared with other
# reports. Its numbers are computed from [the ledger](10_ledger.ipynb) and from the records of the executions behind it.

# %%
import pandas as pd

from dpslib import choices, ledger
from dpslib.ledger_page import chapter
from dpslib.notebook import cite, provenance, setup, table
from dpslib.verdicts import VERDICTS

# %% tags=["parameters"]
scale = "reader"  # the same at every scale: what is recorded is read
seed = 0  # not used on this page
device = "cpu"  # not used on this page
convention = "identified"  # not used on this page

# %%
run = setup(scale, seed, device, convention)
# Read from data/results: paper.json, seeds.json, multiverse.json
verdicts = ledger.entries()
rows = ledger.frame(verdicts)


def listed(chosen, *, label, caption):
    """Show claims with verdict and reason."""
    shown = chosen[["where", "statement", "published", "reproduced", "reason"]]
    return table(shown, label=label, caption=caption)


# %% [markdown]
# ## Scope
#
# *Paper A* ({cite:t}`dps2026`) presents a model of distributed production and derives from it a principle of maximum heterogeneity;
# its claims come from experiments on the model alone, in ecology, neuroscience, economics, computing and hardware. *Paper B*
# ({cite:t}`hetgps`) asks when the shape of a reward makes a heterogeneous team better, by theorems, matrix games, embodied
# environments and a search over rewards.
#
# This report covers every number, order, count and test that the papers print about their own results. It asks whether these
# follow from what the papers describe. It does not ask whether the models describe the world, nor does it cover what the papers
# cite from others.

# %%
summary = pd.crosstab(rows.paper, rows.verdict).reindex(
    columns=list(VERDICTS), fill_value=0
)
summary["all"] = summary.sum(axis=1)
table(
    summary,
    index=True,
    label="tab-c-report",
    caption="Claims of each paper by verdict.",
)

# %%
a, b = (rows[rows.paper == paper] for paper in "AB")
held = ["exact", "within spread", "direction only"]
cite("report-claims", len(rows))
cite("report-a", len(a))
cite("report-b", len(b))
cite("report-a-exact", (a.verdict == "exact").mean(), ".0%")
cite("report-a-held", a.verdict.isin(held).mean(), ".0%")
cite("report-a-not", int((a.verdict == "not reproduced").sum()))
cite("report-inconsistent", int((rows.verdict == "paper inconsistent").sum()))
cite("report-open", int((rows.verdict == "cannot be determined").sum()))
kinds = a.groupby("kind").verdict.apply(lambda v: v.isin(held).mean())
for key, kind in {
    "numbers": "exact number",
    "stochastic": "stochastic number",
    "orders": "ordering",
}.items():
    cite(f"report-{key}", kinds[kind], ".0%")

# %% [markdown]
# ## Method
#
# Neither paper comes with code that we had. Paper A was implemented from its text, whose scan is hard to read in places. What the
# text leaves open was first asked of its printed numbers: those experiments in which nothing is drawn and nothing optimised single
# out one numerical convention among very many ([](01_model.ipynb)), and under it they agree to the last digit. Everything else was
# computed under that convention, with the choices that remain listed and varied one by one and together
# ([](11_choices.ipynb)).
#
# A claim is held against its result by a rule that allows nothing beyond the printed digits. What depends on chance is computed
# under several seeds, and the printed value is looked up among them. Words such as "nearly" had to be put into numbers; such bounds
# are ours, are marked as such, and can earn no better verdict than *direction only*. The library is tested against closed forms,
# other implementations and brute force, and the ledger against its own corruption: a lost result, a changed published value, or a
# model that is off by a percent makes its tests fail.
#
# ## Results
#
# Of {glue:text}`report-claims` claims, {glue:text}`report-a` are paper A's. {glue:text}`report-a-exact` of these agree with all that
# is printed and {glue:text}`report-a-held` hold at least in their direction; {glue:text}`report-a-not` are not reproduced. Numbers
# without chance hold in {glue:text}`report-numbers` of the cases, orders in {glue:text}`report-orders`, numbers that depend on
# draws, starts or a stop in {glue:text}`report-stochastic`.

# %%
grouped = rows.assign(section=rows.paper + " " + rows.section.map(chapter))
by_section = pd.crosstab(grouped.section, grouped.verdict).reindex(
    columns=list(VERDICTS), fill_value=0
)
table(
    by_section,
    index=True,
    label="tab-c-report-sections",
    caption="Claims by section and verdict.",
)

# %% [markdown]
# ### What does not reproduce
#
# For each claim: what is found instead, and of the readings of the open choices how many agree and which comes closest.

# %%
listed(
    rows[rows.verdict == "not reproduced"],
    label="tab-c-report-not",
    caption="Claims that are not reproduced, with the reason.",
)

# %% [markdown]
# ## What was easy
#
# The model of paper A is small: a density, a sum, a norm. Its formulas are complete once the density is known, each run takes
# milliseconds, and the experiments with fixed parameters left no doubt as soon as the convention was found. Orders and shapes of
# curves mostly come out under any reading. Paper B's theory is stated exactly and can be checked by enumeration.
#
# ## What was hard
#
# - *The convention.* The text of paper A defines a wrapped Gaussian; its numbers prove a von Mises density. Nothing in the text
#   leads there.
# - *Tasks that are only described.* Many figures rest on demands whose parameters are not given. Where a number depends on them,
#   we can say whether it is one that such tasks produce, not whether it is the right one.
# - *Where the optimiser stops.* With abundant resources the optimum is a set, not a point, and what is found depends on start,
#   step and stop; the paper gives the step and the number of steps, not the starts.
# - *The scan.* Exponents and signs of equality are misread in places; which digits were meant was decided by other printed numbers,
#   and the note of each such claim says how.
#
# ## What the papers leave open

# %%
open_choices = choices.load().values()
table(
    pd.DataFrame(
        {
            "choice": [choice.title for choice in open_choices],
            "readings": [len(choice.readings) for choice in open_choices],
            "taken": [choice.taken.description for choice in open_choices],
            "because": [choice.taken.status for choice in open_choices],
        }
    ),
    label="tab-c-report-choices",
    caption="What paper A leaves open, how many readings were considered, which one was taken, and whether printed numbers prove it "
    "or we chose it.",
)

# %% [markdown]
# ## Inconsistencies, with their proof
#
# {glue:text}`report-inconsistent` claims contradict mathematics or another printed number. Each proof is a computation on the printed
# values themselves, and is tested to fail on a consistent value.

# %%
listed(
    rows[rows.verdict == "paper inconsistent"],
    label="tab-c-report-proofs",
    caption="Claims that cannot hold as printed.",
)

# %% [markdown]
# ## What cannot be determined

# %%
undetermined = rows[rows.verdict == "cannot be determined"]
missing = undetermined.groupby(["paper", "reason"], sort=False).size().rename("claims")
table(
    missing.reset_index().rename(columns={"reason": "what is missing"}),
    label="tab-c-report-missing",
    caption="What is missing for the claims that cannot be determined.",
)

# %% [markdown]
# ## Cost and hardware

# %%
found = {
    name: ledger.recorded(name) for name in ("paper", "paper-adam", "paper-newton")
}
costs = pd.DataFrame(
    [
        {
            "execution": name,
            "notebook": stem,
            "seconds": one["seconds"],
            "date": one["started"][:10],
            "machine": f"{one['device']}, {one['cpus']} cores",
            "versions": f"Python {one['python']}, torch {one['packages']['torch']}",
        }
        for name, recorded in found.items()
        for stem, one in recorded["notebooks"].items()
    ]
)
table(
    costs,
    label="tab-c-report-cost",
    caption="Wall time of each notebook at the papers' sizes: as each experiment asks, with every system solved by Adam, and with every "
    "system solved by Newton's method.",
    formats={"seconds": ".0f"},
)

# %%
total = costs[costs.execution == "paper"].seconds.sum()
cite("report-minutes", total / 60, ".0f")

# %% [markdown]
# All notebooks together took {glue:text}`report-minutes` minutes of computing on processors alone; no accelerator is needed.
#
# ## Communication with the authors
#
# There was none. The authors' code was not seen, and they have not commented on this report.
#
# ## Checking this report
#
# `make test` recomputes the experiments without chance and compares every verdict with the stored one. `dps record paper -p scale
# paper` and `dps spread --scale paper` make the recorded results again; `dps claims` prints the ledger from them.

# %%
provenance(run)
