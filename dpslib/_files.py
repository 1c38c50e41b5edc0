"""Reading of the project's text files: YAML and JSON that hold plain values alone, with errors that name the file."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

LARGEST = 64 * 2**20
"""Bytes of the largest file that is read; the project's own are a hundredth of it."""


class _Loader(yaml.SafeLoader):
    """YAML of plain values: no objects, no key twice, no aliases of aliases, by which few lines grow to any size."""

    anchored = 0
    """Inside how many anchors the reader is."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        alias = isinstance(event, yaml.AliasEvent)
        if alias and self.anchored:
            raise yaml.composer.ComposerError(None, None, "an anchor must not hold an alias", event.start_mark)
        anchor = not alias and event.anchor is not None
        self.anchored += anchor
        node = super().compose_node(parent, index)
        self.anchored -= anchor
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} is used twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Return what a YAML file holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is too large or no text, or no YAML of plain values; the message names file and place.
    """
    try:
        return yaml.load(_text(path), _Loader)  # a safe loader
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path.name} is no YAML of plain values: {error}") from None


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is too large or no text, no JSON, or has a key twice; the message names file and place.
    """
    try:
        return json.loads(_text(path), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from None


def plain_name(name: str, value: str) -> str:
    """Return a value that becomes the name of a file or folder, checked to be one: it leads nowhere else.

    Raises:
        ValueError: it holds anything but letters, digits and `. + - _`, begins with one of these, or is too long.
    """
    if not re.fullmatch(r"\w[\w.+-]{0,99}", value):
        raise ValueError(
            f"{name} must be a plain file name; got {value!r:.120}. Up to 100 letters, digits and . + - _ are allowed"
        )
    return value


def _text(path: Path) -> str:
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path.name} has {size} bytes; at most {LARGEST} are read")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no text in UTF-8: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is used twice")
        found[key] = value
    return found
