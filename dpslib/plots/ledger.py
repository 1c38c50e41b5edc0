"""Drawings of the ledger."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from dpslib._arguments import checked
from dpslib.verdicts import DIRECTION, EXACT, INCONSISTENT, NOT, UNDETERMINED, WITHIN

COLOURS = {
    EXACT: "#00664a",
    WITHIN: "#005a94",
    DIRECTION: "#7a4d00",
    NOT: "#a23b00",
    INCONSISTENT: "#6f3f80",
    UNDETERMINED: "#555555",
}
"""The colours of the badges (`book/_static/book.css`)."""


@checked
def verdicts_by_section(counts: pd.DataFrame, ax: Axes) -> Axes:
    """Draw how many claims of each section have each verdict.

    Args:
        counts: one row a section, one column a verdict.
        ax: where to draw.
    """
    left = pd.Series(0, index=counts.index)
    for verdict in counts:
        width = counts[verdict]
        bars = ax.barh(counts.index, width, left=left, color=COLOURS[str(verdict)], label=str(verdict), height=0.8)
        labels = [str(count) if count else "" for count in width]
        ax.bar_label(bars, labels=labels, label_type="center", color="white", fontsize="small")
        left = left + width
    ax.invert_yaxis()
    ax.set(xlabel="claims", xlim=(0, None), ylabel="section")
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize="small")
    return ax
