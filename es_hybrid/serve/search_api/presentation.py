"""Format of an answer: `filter_path`, `rest_total_hits_as_int`, `pretty`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from es_hybrid.http.answers import encoded
from es_hybrid.serve.search_api.parameters import Parameters

_Pattern = tuple[str, ...]

_ANY_DEPTH = "**"


def shown(answer: Mapping[str, Any], parameters: Parameters) -> bytes:
    """The answer as JSON in the format that the parameters ask for."""
    content: Any = answer
    if parameters.total_as_int:
        content = _with_totals_as_int(content)
    if parameters.filter_path:
        content = filtered(content, parameters.filter_path)
    return encoded(content, indented=parameters.pretty)


def filtered(content: Any, paths: Sequence[str]) -> Any:
    """The parts of the content that the paths select.

    Args:
        paths: Dotted, with `*` within a name and `**` for any number of names. A path that starts
            with `-` excludes.
    """
    includes = [_pattern(path) for path in paths if not path.startswith("-")]
    excludes = [_pattern(path[1:]) for path in paths if path.startswith("-")]
    if includes:
        content = _selected(content, includes, keep=True)
    if excludes:
        content = _selected(content, excludes, keep=False)
    return {} if content is None else content


def _pattern(path: str) -> _Pattern:
    # A path escapes a dot within a name as \.
    parts = path.replace("\\.", "\0").split(".")
    return tuple(part.replace("\0", ".") for part in parts)


def _after(patterns: Sequence[_Pattern], name: str) -> list[_Pattern]:
    """Remainders of the patterns that match this name; an empty one matches everything below."""
    left = []
    for pattern in patterns:
        head, *tail = pattern
        if head == _ANY_DEPTH:
            left.append(pattern)
            left += [rest for rest in _after([tuple(tail)], name) if tail]
            if not tail:
                left.append(())
        elif fnmatchcase(name, head):
            left.append(tuple(tail))
    return left


def _selected(content: Any, patterns: Sequence[_Pattern], *, keep: bool) -> Any:
    """The content that the patterns match, or without `keep` the rest; None if nothing remains."""
    if any(not pattern for pattern in patterns):
        return content if keep else None
    if isinstance(content, list):
        kept = [_selected(item, patterns, keep=keep) for item in content]
        return [item for item in kept if item is not None] or None
    if not isinstance(content, Mapping):
        return None if keep else content
    found = {}
    for name, value in content.items():
        if left := _after(patterns, name):
            part = _selected(value, left, keep=keep)
        else:
            part = None if keep else value
        if part is not None:
            found[name] = part
    return found or None


def _with_totals_as_int(content: Mapping[str, Any]) -> Any:
    """Convert the totals of one answer, or of all answers of an `_msearch`."""
    if "responses" not in content:
        return _with_total_as_int(content)
    return {**content, "responses": [_with_total_as_int(each) for each in content["responses"]]}


def _with_total_as_int(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """`{"total": {"value": 3, …}}` as `{"total": 3}`, also in inner hits."""
    hits = answer.get("hits")
    if not isinstance(hits, Mapping):
        return answer
    changed = dict(hits)
    total = hits.get("total")
    if isinstance(total, Mapping):
        changed["total"] = total["value"]
    elif "total" not in hits:
        changed["total"] = -1
    changed["hits"] = [_hit_with_total_as_int(hit) for hit in hits.get("hits", ())]
    return {**answer, "hits": changed}


def _hit_with_total_as_int(hit: Mapping[str, Any]) -> Mapping[str, Any]:
    if "inner_hits" not in hit:
        return hit
    inner = {name: _with_total_as_int(part) for name, part in hit["inner_hits"].items()}
    return {**hit, "inner_hits": inner}
