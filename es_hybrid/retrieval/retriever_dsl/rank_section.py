"""`rank: {"rrf": …}`, the form of reciprocal rank fusion before there were retrievers.

Elasticsearch turns it into an `rrf` retriever over the query and each `knn` section; so does this
module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.retrieval.nodes import RANK_WINDOW_SIZE
from es_hybrid.retrieval.retriever_dsl.objects import Fields, whole
from es_hybrid.retrieval.retriever_dsl.refusals import invalid

_DEFAULT_SIZE = 10
# Also the name of the window in the first versions.
_WINDOWS = ("rank_window_size", "window_size")
_MOVED = ("query", "sub_searches", "knn", "rank")
# Options of a section without a meaning in a retriever: ranks do not depend on the boost.
_SECTION_ONLY = ("boost",)


def has_rank(body: Mapping[str, Any]) -> bool:
    """Whether a body fuses its query and `knn` sections by `rank`, and has no retriever."""
    rank = body.get("rank")
    return isinstance(rank, Mapping) and isinstance(rank.get("rrf"), Mapping) and (
        "retriever" not in body
    )  # fmt: skip


def as_retriever(body: Mapping[str, Any], *, scroll: bool) -> Mapping[str, Any]:
    """The body with an `rrf` retriever in place of its query, `knn` sections and `rank`.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    fields = Fields("rrf", body["rank"]["rrf"], (*_WINDOWS, "rank_constant"))
    given = (fields.integer(name) for name in _WINDOWS)
    window = next((each for each in given if each is not None), RANK_WINDOW_SIZE)
    size = whole(body.get("size", _DEFAULT_SIZE))
    queries = [{"query": body["query"]}] if "query" in body else _listed(body.get("sub_searches"))
    sections = _listed(body.get("knn"))
    if problems := _problems(body, size, window, len(queries) + len(sections), scroll):
        raise invalid(problems)
    rrf: dict[str, Any] = {
        "retrievers": [
            *({"standard": query} for query in queries),
            *({"knn": _retriever(section, size)} for section in sections),
        ],
        "rank_window_size": window,
    }
    if (constant := fields.integer("rank_constant")) is not None:
        rrf["rank_constant"] = constant
    kept = {name: value for name, value in body.items() if name not in _MOVED}
    return {**kept, "size": size, "retriever": {"rrf": rrf}}


def _problems(
    body: Mapping[str, Any], size: int, window: int, count: int, scroll: bool
) -> list[str]:
    found = []
    if size == 0:
        found.append("[rank] requires [size] greater than [0]")
    if size > window:
        found.append(
            f"[rank] requires [rank_window_size: {window}] be greater than or equal to "
            f"[size: {size}]"
        )
    if count < 2:
        found.append(
            "[rank] requires a minimum of [2] result sets using a combination of sub searches "
            "and/or knn searches"
        )
    if scroll:
        found.append("[rank] cannot be used in a scroll context")
    return found + [
        f"[rank] cannot be used with [{name}]" for name in ("rescore", "suggest") if body.get(name)
    ]


def _retriever(section: Any, size: int) -> Any:
    """A section as a knn retriever, whose `k` has no default."""
    if not isinstance(section, Mapping):
        return section
    kept = {name: value for name, value in section.items() if name not in _SECTION_ONLY}
    return {"k": min(size, whole(section.get("num_candidates", size))), **kept}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
