"""Categories as shops write them -> paths from the root to the leaf."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import orjson

from es_hybrid.cleaning import MAX_CHARS
from ingest.cleaning.given import given
from ingest.cleaning.problems import FieldProblem, Warn
from ingest.cleaning.text import MAX_KEYWORD_BYTES, text_of

Path: TypeAlias = tuple[str, ...]

# Marks that nothing but a step looks like, then those that only separate steps where none of these
# occurs: `Clothing > Caps | Outdoor > Hats` is two paths.
_ARROWS = re.compile(r" ?(?:[-=–—]{0,3}>{1,3}|[›»→⟩]|::) ?")
_BARS = (" | ", "|", " / ")
# Between paths, if they have steps: WooCommerce and others list them so.
_BETWEEN_PATHS = re.compile(r"(?<!\\)[,;|] ?")
# After the last comma in the name of one category: `Food, Beverages & Tobacco`, as Google writes.
_CONJUNCTION = re.compile(r"\S (?:&|and|und|et|y|e|en|och|og|i|и) \S")
_ESCAPED = re.compile(r"\\([,;|>])")


def paths_of(separator: str, value: Any, warn: Warn) -> tuple[Path, ...]:
    """The paths of a product, without duplicates.

    Args:
        separator: Separates the steps; an empty string stands for the ones that shops use.
        value: Text; a list of steps or, if some item has several steps, of paths; a list of lists
            of steps; or JSON text of such a list.
    """
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        value = _listed(value)
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        paths = _paths_of_list(value, separator, warn)
    else:
        paths = _paths_of_text(text_of("category", value, warn), separator)
    found = dict.fromkeys(path for path in paths if path)
    size = sum(len(step.encode()) + len(" > ") for path in found for step in path)
    if size > MAX_KEYWORD_BYTES:
        raise FieldProblem(
            "category",
            "too long",
            f"{size:,} bytes, Elasticsearch allows {MAX_KEYWORD_BYTES:,}",
            "shorten it",
        )
    return tuple(found)


def _listed(text: str) -> Any:
    """The list that a text holds as JSON or with Python's quotes; else the text."""
    for form in (text, text.replace("'", '"')):
        try:
            found = orjson.loads(form[:MAX_CHARS])
        except orjson.JSONDecodeError:
            continue
        if isinstance(found, list):
            return found
    return text


def _paths_of_list(values: Sequence[Any], separator: str, warn: Warn) -> Iterable[Path]:
    if any(isinstance(value, list | tuple) for value in values):
        return [_steps_of(value if isinstance(value, list | tuple) else [value], warn)
                for value in values]  # fmt: skip
    steps = _steps_of(values, warn)
    paths = [_steps(step, separator) for step in steps]
    return paths if any(len(path) > 1 for path in paths) else [steps]


def _steps_of(values: Iterable[Any], warn: Warn) -> Path:
    texts = (text_of("category", given(value), warn) for value in values)
    return tuple(text for text in texts if text)


def _paths_of_text(text: str, separator: str) -> Iterable[Path]:
    if separator or not _ARROWS.search(text):
        return [_steps(text, separator)]
    return [_steps(path, "") for path in _split_paths(text)]


def _split_paths(text: str) -> list[str]:
    """The paths in a text; a comma in the name of a category separates none."""
    if not _BETWEEN_PATHS.search(text):
        return [text]
    arrows = _ARROWS.findall(text)
    steps = _ARROWS.split(text)
    marked = [
        step.replace(",", "\\,") if _CONJUNCTION.search(step.rpartition(",")[2]) else step
        for step in steps
    ]
    joined = marked[0] + "".join(a + step for a, step in zip(arrows, marked[1:], strict=True))
    return _BETWEEN_PATHS.split(joined)


def _steps(text: str, separator: str) -> Path:
    if separator:
        steps = text.split(separator)
    elif _ARROWS.search(text):
        steps = [_ESCAPED.sub(r"\1", step) for step in _ARROWS.split(text)]
    else:
        bar = next((bar for bar in _BARS if bar in text), None)
        steps = text.split(bar) if bar else [text]
    stripped = (step.strip() for step in steps)
    return tuple(step for step in stripped if step and given(step) is not None)
