"""The versions of grouped products in the languages to show, whichever version matched best."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from es_hybrid.retrieval.nodes import Clause
from es_hybrid.retrieval.plan import Display

_GROUPS, _LANGUAGES, _BEST = "groups", "languages", "best"
# Tags of one language in an index: `zh`, `zh-CN`, `zh-Hant-TW` ...
_TAGS = 100
# What `top_hits` knows of what a body requests for its hits.
_FETCHED = ("_source", "highlight", "docvalue_fields", "fields", "stored_fields", "version")

# Language tag -> hit.
Versions = Mapping[str, Mapping[str, Any]]


def versions_body(
    display: Display,
    field: str,
    groups: Sequence[Hashable],
    *,
    filters: Iterable[Clause],
    ranks: Clause,
    fetch: Mapping[str, Any],
) -> dict[str, Any]:
    """The body that finds the best version of each group in each language.

    An aggregation, since an index without the field refuses to collapse by it.

    Args:
        field: The groups' field.
        filters: Clauses that a version must match to be shown.
        ranks: Scores the documents that the search ranked.
        fetch: As in `Plan`.
    """
    primary = "|".join(dict.fromkeys(filter(str.isalnum, map(_primary, display.languages))))
    best = {"size": 1, **{name: fetch[name] for name in _FETCHED if name in fetch}}
    tags = {"field": display.lang_field, "size": _TAGS, "include": f"({primary})([-_].*)?"}
    languages = {"terms": tags, "aggs": {_BEST: {"top_hits": best}}}
    return {
        "query": {
            "bool": {"filter": [{"terms": {field: list(groups)}}, *filters], "should": [ranks]}
        },
        "size": 0,
        "track_total_hits": False,
        "aggs": {
            _GROUPS: {
                "terms": {"field": field, "size": len(groups)},
                "aggs": {_LANGUAGES: languages},
            }
        },
    }


def versions_of(answer: Mapping[str, Any]) -> dict[Hashable, Versions]:
    """Group -> its versions."""
    found: dict[Hashable, Versions] = {}
    for group in answer.get("aggregations", {}).get(_GROUPS, {}).get("buckets", ()):
        found[group["key"]] = {
            tag["key"]: tag[_BEST]["hits"]["hits"][0] for tag in group[_LANGUAGES]["buckets"]
        }
    return found


def preferred(versions: Versions, languages: Sequence[str]) -> Mapping[str, Any] | None:
    """The version in the first language that there is, the better match first.

    A tag finds itself, or else the same language in another region or script.
    """
    ordered = sorted(versions.items(), key=lambda item: (-item[1]["_score"], item[0]))
    for wanted in languages:
        exact = [hit for tag, hit in ordered if tag.lower() == wanted.lower()]
        near = [hit for tag, hit in ordered if _primary(tag) == _primary(wanted)]
        if found := exact or near:
            return found[0]
    return None


def _primary(tag: str) -> str:
    """`zh` of `zh-CN`."""
    return tag.replace("_", "-").partition("-")[0].lower()
