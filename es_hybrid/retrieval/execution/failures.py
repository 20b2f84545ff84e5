"""Elasticsearch's refusals, passed on to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.client import reason_of
from es_hybrid.errors import RequestRefused
from es_hybrid.secrets import excerpt

# Errors in the request itself or in its indices, which Elasticsearch finds before it runs anything.
_MALFORMED = (
    "parsing_exception", "x_content_parse_exception", "index_not_found_exception",
    "index_closed_exception", "cluster_block_exception", "no_such_remote_cluster_exception",
    "connect_transport_exception",
)  # fmt: skip


def leaf_refusal(failed: Mapping[str, Mapping[str, Any]], kind: str) -> RequestRefused:
    """The error for leaves of an `_msearch` that failed.

    Args:
        failed: Stage -> answer with an error.
        kind: Kind of the retriever around the leaves.
    """
    for answer in failed.values():
        if answer["error"].get("type") in _MALFORMED or answer.get("status") == 403:
            return refusal(answer["status"], answer)
    return _leaves_failed(failed, kind)


def refusal(status: int, answer: Any) -> RequestRefused:
    """Elasticsearch's error, to be passed on to the caller."""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if not isinstance(error, Mapping):
        return RequestRefused(
            f"Elasticsearch answered {status}: {excerpt(str(error or answer))}",
            status=status,
            type="status_exception",
            answer=answer if isinstance(answer, Mapping) else None,
        )
    return RequestRefused(
        reason_of(error), status=status, type=str(error.get("type")), answer=answer
    )


def _leaves_failed(failed: Mapping[str, Mapping[str, Any]], kind: str) -> RequestRefused:
    """The error that Elasticsearch reports when children of a compound retriever fail."""
    status = max(int(answer.get("status", 500)) for answer in failed.values())
    reason = (
        f"[{kind}] search failed - retrievers '[{', '.join(failed)}]' returned errors. "
        "All failures are attached as suppressed exceptions."
    )
    error = {"type": "status_exception", "reason": reason}
    suppressed = [answer["error"] for answer in failed.values()]
    cause = {**error, "suppressed": suppressed}
    message = "; ".join(f"the {stage} leaf: {reason_of(answer['error'])}"
                        for stage, answer in failed.items())  # fmt: skip
    return RequestRefused(
        message,
        status=status,
        type="status_exception",
        answer={"error": {"root_cause": [cause], **cause}, "status": status},
    )
