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
# (ledger)=
# # The ledger of claims
#
# Every number, order, count and test that the papers print about their own results is a *claim*: a line of data with the
# printed value, where it stands, and the name of the result that estimates it. The notebooks write their results as data, too.
# A verdict is computed from the two; none is typed. A badge beside a claim anywhere in this book leads to its row here.
#
# The verdicts rest on one execution of all notebooks at the papers' own sizes and on the same experiments under other seeds.
# Both are recorded in `data/results`, by commands that [anyone can run again](../book/rerun.md); this page reads them.

# %%
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML

from dpslib import ledger
from dpslib.ledger_page import chapter, to_html
from dpslib.notebook import cite, provenance, setup, show, table
from dpslib.plots import ledger as draw
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

# %% [markdown]
# ## What a verdict means
#
# Where a claim says less than a number, it is held against a bound. The bound is *printed* if the paper states an order, a sign
# or a threshold, and *ours* if it puts a word such as "nearly" into a number; then the note in its row explains it.

# %%
counts = ledger.counts(verdicts)
table(
    pd.DataFrame(
        {
            "verdict": list(VERDICTS),
            "meaning": list(VERDICTS.values()),
            "claims": list(counts.values()),
        }
    ),
    label="tab-c-verdicts",
    caption="The six verdicts, and how many claims of both papers have each.",
)

# %%
of_a = rows[rows.paper == "A"]
held = of_a.verdict.isin(["exact", "within spread", "direction only"])
numbers = of_a[of_a.kind == "exact number"]
cite("ledger-claims", len(rows))
cite("ledger-claims-a", len(of_a))
cite("ledger-claims-b", len(rows) - len(of_a))
cite("ledger-held", held.mean(), ".0%")
cite("ledger-exact", int((of_a.verdict == "exact").sum()))
cite("ledger-not", int((of_a.verdict == "not reproduced").sum()))
cite("ledger-inconsistent", int((rows.verdict == "paper inconsistent").sum()))
cite("ledger-open", int((rows.verdict == "cannot be determined").sum()))
cite("ledger-numbers", len(numbers))
cite("ledger-numbers-exact", int((numbers.verdict == "exact").sum()))
cite("ledger-seeds", int(rows.seeds.max()))

# %% [markdown]
# There are {glue:text}`ledger-claims` claims, {glue:text}`ledger-claims-a` of paper A and {glue:text}`ledger-claims-b` of paper B. Of
# paper A's, {glue:text}`ledger-held` hold at least in their direction; {glue:text}`ledger-exact` agree with all that is printed, and
# {glue:text}`ledger-not` are not reproduced. Where neither chance nor an optimiser enters, {glue:text}`ledger-numbers-exact` of
# {glue:text}`ledger-numbers` numbers agree to the last printed digit. {glue:text}`ledger-inconsistent` claims cannot hold as printed,
# which their rows prove, and {glue:text}`ledger-open` cannot be determined. What depends on chance was computed under
# {glue:text}`ledger-seeds` seeds.

# %% mystnb={"figure": {"name": "fig-c-ledger", "caption": "Verdicts by section of the papers."}, "image": {"alt": "Horizontal bars, one for each section of each paper, divided by verdict in the colours of the badges; the numbers of claims stand in the bars."}}
by_section = pd.crosstab(
    rows.paper + " " + rows.section.map(chapter), rows.verdict
).reindex(columns=list(VERDICTS), fill_value=0)
fig, ax = plt.subplots(figsize=(9, 0.32 * len(by_section) + 1.2))
draw.verdicts_by_section(by_section, ax)
show(fig, by_section)

# %% [markdown]
# ## All claims
#
# A click on a heading sorts the rows, a link leads to the place that computes the value. The same list comes from the terminal
# by `dps claims`, and for machines by `dps claims --format json`.

# %% tags=["full-width", "hide-input"]
HTML(to_html(verdicts))

# %%
provenance(run)
