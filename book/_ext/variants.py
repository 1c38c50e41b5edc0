"""The role `variant`: a link to a page of the atlas, which `book/atlas.py` writes beside those of Sphinx."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import ReferenceRole

DATA = "book/_generated/atlas.json"


def _known(app: Any) -> list[str]:
    return list(json.loads(Path(app.srcdir, DATA).read_text(encoding="utf-8")))


class VariantRole(ReferenceRole):
    """Link to the page of the variant that the role names."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the link."""
        self.env.note_dependency(DATA)
        if self.target not in _known(self.env.app):
            message = self.inliner.reporter.error(f"no variant {self.target!r}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        uri = self.env.app.builder.get_relative_uri(self.env.docname, f"atlas/{self.target}")
        return [nodes.reference("", self.title, refuri=uri, internal=True)], []


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_role("variant", VariantRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
