"""How an answer is shown: `filter_path`, `rest_total_hits_as_int`, `pretty`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from es_hybrid.http.answers import encoded
from es_hybrid.serve.search_api.parameters import Parameters

Pattern = tuple[str, ...]

_ANY_DEPTH = "**"


def shown(answer: Mapping[str, Any], parameters: Parameters) -> bytes:
    """The answer as JSON, as the parameters want it."""
    content: Any = answer
    if parameters.total_as_int:
        content = _with_totals_as_int(content)
    if parameters.filter_path:
        content = filtered(content, parameters.filter_path)
    return encoded(content, indented=parameters.pretty)


def filtered(content: Any, paths: Sequence[str]) -> Any:
    """What of the content the paths name.

    Args:
        paths: Dotted, with `*` within a name and `**` for any number of names; those that begin
            with `-` name what is left out.
    """
    includes = [_pattern(path) for path in paths if not path.startswith("-")]
    excludes = [_pattern(path[1:]) for path in paths if path.startswith("-")]
    if includes:
        content = _included(content, includes)
    if excludes:
        content = _without(content, excludes)
    return {} if content is None else content


def _pattern(path: str) -> Pattern:
    # A dot within a name is written \. in a path.
    parts = path.replace("\\.", "\0").split(".")
    return tuple(part.replace("\0", ".") for part in parts)


def _after(patterns: Sequence[Pattern], name: str) -> list[Pattern]:
    """What is left of the patterns that match this name; an empty one matches from here on."""
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


def _included(content: Any, patterns: Sequence[Pattern]) -> Any:
    """The part that is named, or None where nothing of it is."""
    if any(not pattern for pattern in patterns):
        return content
    if isinstance(content, list):
        kept = [_included(item, patterns) for item in content]
        return [item for item in kept if item is not None] or None
    if not isinstance(content, Mapping):
        return None
    found = {}
    for name, value in content.items():
        if left := _after(patterns, name):
            part = _included(value, left)
            if part is not None:
                found[name] = part
    return found or None


def _without(content: Any, patterns: Sequence[Pattern]) -> Any:
    """The content less what is named, or None where nothing is left of it."""
    if any(not pattern for pattern in patterns):
        return None
    if isinstance(content, list):
        kept = [_without(item, patterns) for item in content]
        return [item for item in kept if item is not None] or None
    if not isinstance(content, Mapping):
        return content
    found = {}
    for name, value in content.items():
        left = _after(patterns, name)
        part = _without(value, left) if left else value
        if part is not None:
            found[name] = part
    return found or None


def _with_totals_as_int(content: Mapping[str, Any]) -> Any:
    """In one answer, or in all answers of an `_msearch`."""
    if "responses" not in content:
        return _with_total_as_int(content)
    return {**content, "responses": [_with_total_as_int(each) for each in content["responses"]]}


def _with_total_as_int(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """`{"total": {"value": 3, …}}` as `{"total": 3}`, in inner hits as well."""
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
