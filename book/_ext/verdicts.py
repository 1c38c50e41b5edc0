"""The roles `verdict` and `claim`: a claim's verdict as a badge, or its name, that leads to its row in the ledger."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

LEDGER = "notebooks/10_ledger"
DATA = "book/_generated/verdicts.json"


class ClaimRole(SphinxRole):
    """Show the id of the claim that the role names, and both values when one points at it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link."""
        file = Path(self.env.srcdir, DATA)
        self.env.note_dependency(DATA)
        found = json.loads(file.read_text(encoding="utf-8")).get(self.text)
        if found is None:
            message = self.inliner.reporter.error(f"no claim {self.text!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        uri = self.env.app.builder.get_relative_uri(self.env.docname, LEDGER)
        title = f"printed {found['published']}, recomputed {found['reproduced']}"
        link = nodes.reference("", "", refuri=f"{uri}#{self.text}", reftitle=title, internal=True)
        self.show(link, found["verdict"])
        return [link], []

    def show(self, link: nodes.reference, verdict: str) -> None:
        """Fill the link."""
        link += nodes.Text(self.text)
        link["classes"] = ["claim"]


class VerdictRole(ClaimRole):
    """Show the verdict on the claim instead."""

    def show(self, link: nodes.reference, verdict: str) -> None:
        """Fill the link."""
        link += nodes.Text(verdict)
        link["classes"] = ["verdict", f"verdict-{verdict.replace(' ', '-')}"]


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_role("claim", ClaimRole())
    app.add_role("verdict", VerdictRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
