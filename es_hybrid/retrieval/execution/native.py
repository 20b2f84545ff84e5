"""A plan that the cluster runs whole, as a search body in the retriever language."""

from __future__ import annotations

from typing import Any

from es_hybrid.retrieval.execution.dsl import to_retriever
from es_hybrid.retrieval.plan import Node, Plan


def suits(plan: Plan) -> bool:
    """Whether the plan asks for nothing but what Elasticsearch has words for."""
    return not (plan.of_candidates or plan.selected or plan.first)


def native_body(plan: Plan, root: Node) -> dict[str, Any]:
    """The plan in Elasticsearch's words."""
    body: dict[str, Any] = {
        **plan.settings,
        **plan.fetch,
        "retriever": to_retriever(root),
        "from": plan.from_,
        "size": plan.size,
        "track_total_hits": plan.track_total_hits,
    }
    for name in ("aggs", "post_filter", "collapse", "suggest"):
        if (value := getattr(plan, name)) is not None:
            body[name] = value
    for flag in ("explain", "profile"):
        if getattr(plan, flag):
            body[flag] = True
    return body
