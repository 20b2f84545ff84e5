"""`GET /` and `HEAD /`: the cluster's name and version, with which clients begin.

A node without Elasticsearch's module for it, such as the embedded one, answers 405. Then the same
facts are asked elsewhere, with the caller's credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.http.answers import encoded, json_headers
from es_hybrid.retrieval.needs import Call, Reply
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.upstream.call import Sender, on_behalf
from es_hybrid.serve.upstream.pool import Pool
from es_hybrid.serve.upstream.relay import relay, relay_unless
from es_hybrid.serve.workers import Workers

_METHOD_NOT_ALLOWED = 405
_NODE = Call("GET", "/_nodes/_local/none")
_CLUSTER = Call("GET", "/_cluster/state/none")
# Elasticsearch's words for what it does not know.
_UNKNOWN, _NOT_AVAILABLE = "unknown", "_na_"


async def answer_root(exchange: Exchange, *, pool: Pool, workers: Workers) -> None:
    """Answer `GET /` or `HEAD /`, which has no body.

    Raises:
        UpstreamError: Elasticsearch does not answer.
    """
    if await relay_unless(_METHOD_NOT_ALLOWED, exchange, pool):
        return
    send = Sender(pool, on_behalf(exchange.headers), workers)
    with exchange.ends_with_caller():
        node = await send(_NODE, None)
        if node.status != 200 or not node.body["nodes"]:  # the refusal of `/` is the better answer
            await relay(exchange, pool)
            return
        cluster = await send(_CLUSTER, None)
    exchange.door = "own"
    body = encoded(_facts(node.body, cluster), indented=True)
    await exchange.answer(200, body, json_headers(exchange.header(b"accept")))


def _facts(answer: Mapping[str, Any], cluster: Reply) -> dict[str, Any]:
    """The answer in Elasticsearch's form. Typed clients refuse one that lacks a part."""
    (node,) = answer["nodes"].values()
    number = str(node["version"])
    return {
        "name": node["name"],
        "cluster_name": answer["cluster_name"],
        "cluster_uuid": cluster.body.get("cluster_uuid", _NOT_AVAILABLE),
        "version": {
            "number": number,
            "build_flavor": node.get("build_flavor", _UNKNOWN),
            "build_type": node.get("build_type", _UNKNOWN),
            "build_hash": node.get("build_hash", _UNKNOWN),
            "build_date": _UNKNOWN,
            "build_snapshot": number.endswith("-SNAPSHOT"),
            "lucene_version": _UNKNOWN,
            "minimum_wire_compatibility_version": _UNKNOWN,
            # An index can be read by the next major version.
            "minimum_index_compatibility_version": f"{int(number.partition('.')[0]) - 1}.0.0",
        },
        "tagline": "You Know, for Search",
    }
