"""Format of an answer: `filter_path`, `rest_total_hits_as_int`, `pretty`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.http.answers import encoded
from es_hybrid.serve.search_api.filter_path import filtered
from es_hybrid.serve.search_api.parameters import Parameters


def shown(answer: Mapping[str, Any], parameters: Parameters) -> bytes:
    """The answer as JSON in the format that the parameters ask for."""
    content: Any = answer
    if parameters.total_as_int:
        content = _with_totals_as_int(content)
    if parameters.filter_path:
        content = filtered(content, parameters.filter_path)
    return encoded(content, indented=parameters.pretty)


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
