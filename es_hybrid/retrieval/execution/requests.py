"""The requests of a search, and Elasticsearch's refusals read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from es_hybrid.client import reason_of
from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.needs import Call, Reply
from es_hybrid.retrieval.plan import Knn, Plan, Standard

# Long enough for the slowest reranking between the leaves and the page.
KEEP_ALIVE = "1m"

# Query-string parameters that say which shards are asked; the rest belong to single requests.
_ROUTED = ("routing", "preference", "ignore_unavailable", "allow_no_indices", "expand_wildcards")
_HEADED = (*_ROUTED, "search_type", "request_cache", "allow_partial_search_results")

# Errors of what was written, which Elasticsearch finds before it runs anything.
_MISWRITTEN = ("parsing_exception", "x_content_parse_exception", "index_not_found_exception")


def search(plan: Plan, body: Mapping[str, Any]) -> Call:
    """One `_search` of the plan's indices."""
    path = f"/{_quoted(plan.index)}/_search" if plan.index else "/_search"
    return Call("POST", path, plan.params, body)


def msearch(plan: Plan, bodies: Sequence[Mapping[str, Any]]) -> Call:
    """All bodies at once on the plan's indices."""
    header: dict[str, Any] = {name: plan.params[name] for name in _HEADED if name in plan.params}
    if plan.index:
        header["index"] = plan.index.split(",")
    if "pit" not in plan.settings:
        header.setdefault("preference", _copies(plan))
    return Call("POST", "/_msearch", {}, [part for body in bodies for part in (header, body)])


def msearch_in(pit: Mapping[str, Any], bodies: Sequence[Mapping[str, Any]]) -> Call:
    """All bodies at once on a point in time."""
    parts = [part for body in bodies for part in ({}, {**body, "pit": pit})]
    return Call("POST", "/_msearch", {}, parts)


def search_in(pit: Mapping[str, Any], body: Mapping[str, Any]) -> Call:
    """One `_search` on a point in time."""
    return Call("POST", "/_search", {}, {**body, "pit": pit})


def mapping(index: str) -> Call:
    """Asks for the mappings of an index."""
    return Call("GET", f"/{_quoted(index)}/_mapping" if index else "/_mapping")


def open_point_in_time(plan: Plan) -> Call:
    """Opens a point in time on the plan's indices."""
    params = {"preference": _copies(plan)}
    params |= {name: plan.params[name] for name in _ROUTED if name in plan.params}
    path = f"/{_quoted(plan.index or '_all')}/_pit"
    return Call("POST", path, {"keep_alive": KEEP_ALIVE, **params})


def close_point_in_time(pit: Mapping[str, Any]) -> Call:
    """Lets go of a point in time."""
    return Call("DELETE", "/_pit", {}, {"id": pit["id"]})


def checked(reply: Reply) -> Mapping[str, Any]:
    """The answer.

    Raises:
        RequestRefused: Elasticsearch's own error.
    """
    if reply.status >= 400:
        raise refusal(reply.status, reply.body)
    answer: Mapping[str, Any] = reply.body
    return answer


def checked_leaves(reply: Reply, stages: Sequence[str], *, kind: str) -> list[Mapping[str, Any]]:
    """The answers of an `_msearch`, one a leaf.

    Args:
        stages: What the leaves are called.
        kind: Of the retriever around them.

    Raises:
        RequestRefused: a leaf failed; a page from the others alone would be silently worse.
    """
    answers: list[Mapping[str, Any]] = list(checked(reply)["responses"])
    failed = {
        stage: answer for stage, answer in zip(stages, answers, strict=True) if "error" in answer
    }
    if not failed:
        return answers
    for answer in failed.values():
        if answer["error"].get("type") in _MISWRITTEN or answer.get("status") == 403:
            raise refusal(answer["status"], answer)
    raise _leaves_failed(failed, kind)


def refusal(status: int, answer: Any) -> RequestRefused:
    """Elasticsearch's error, to be repeated."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if not isinstance(error, Mapping):
        return RequestRefused(
            f"Elasticsearch answered {status}: {str(error or answer)[:300]}",
            status=status,
            type="status_exception",
            answer=answer if isinstance(answer, Mapping) else None,
        )
    return RequestRefused(
        reason_of(error), status=status, type=str(error.get("type")), answer=answer
    )


def _copies(plan: Plan) -> str:
    """A preference that sends every leaf, and every page of one query, to the same shard copies.

    Copies refresh at different moments and number their documents differently: two leaves that
    ask two copies would see two states, and two pages of one search two orders.
    """
    leaves = (node for node in walk(plan.root) if isinstance(node, Standard | Knn))
    asked = [leaf.query if isinstance(leaf, Standard) else leaf.text for leaf in leaves]
    return f"es-hybrid-{zlib.crc32(repr(asked).encode()):08x}"


def _leaves_failed(failed: Mapping[str, Mapping[str, Any]], kind: str) -> RequestRefused:
    """As Elasticsearch says it of the children of a compound retriever."""
    status = max(int(answer.get("status", 500)) for answer in failed.values())
    reason = (
        f"[{kind}] search failed - retrievers '[{', '.join(failed)}]' returned errors. "
        "All failures are attached as suppressed exceptions."
    )
    error = {"type": "status_exception", "reason": reason}
    suppressed = [answer["error"] for answer in failed.values()]
    cause = {**error, "suppressed": suppressed}
    told = "; ".join(f"the {stage} leaf: {reason_of(answer['error'])}"
                     for stage, answer in failed.items())  # fmt: skip
    return RequestRefused(
        told,
        status=status,
        type="status_exception",
        answer={"error": {"root_cause": [cause], **cause}, "status": status},
    )


def _quoted(index: str) -> str:
    return quote(index, safe=",*")
