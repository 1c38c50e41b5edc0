"""The role `verdict`: a claim's verdict as a badge that leads to its row in the ledger."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

LEDGER = "notebooks/10_ledger"
DATA = "book/_generated/verdicts.json"


class VerdictRole(SphinxRole):
    """Show the verdict on the claim that the role names, and both values when one points at it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the badge."""
        file = Path(self.env.srcdir, DATA)
        self.env.note_dependency(DATA)
        found = json.loads(file.read_text(encoding="utf-8")).get(self.text)
        if found is None:
            message = self.inliner.reporter.error(f"no claim {self.text!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        verdict = found["verdict"]
        uri = self.env.app.builder.get_relative_uri(self.env.docname, LEDGER)
        badge = nodes.reference("", verdict, refuri=f"{uri}#{self.text}", internal=True)
        badge["classes"] = ["verdict", f"verdict-{verdict.replace(' ', '-')}"]
        badge["reftitle"] = f"printed {found['published']}, recomputed {found['reproduced']}"
        return [badge], []


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_role("verdict", VerdictRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
