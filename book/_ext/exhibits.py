"""Every figure and table that has a page of its own leads there from its caption."""

from typing import Any

from docutils import nodes

FOLDER = "figures/"


def _add_links(app: Any, doctree: nodes.document, docname: str) -> None:
    for node in doctree.findall(lambda one: isinstance(one, nodes.figure | nodes.table)):
        kind = nodes.caption if isinstance(node, nodes.figure) else nodes.title
        caption = next((child for child in node.children if isinstance(child, kind)), None)
        name = next((one for one in node["ids"] if FOLDER + one in app.env.found_docs), None)
        if caption is None or name is None:
            continue
        uri = app.builder.get_relative_uri(docname, FOLDER + name)
        link = nodes.reference("", "data, citation", refuri=uri, internal=True, classes=["exhibit-link"])
        link["reftitle"] = f"Files, provenance, claims and citation of {name}"
        caption += [nodes.Text(" "), link]


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", _add_links)
    app.add_css_file("exhibits.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
