from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from es_hybrid.client import connect, connect_async, reason_of
from es_hybrid.settings import ElasticsearchSettings
from tests.fakes.http import Answer, HttpServer

INNER = {"type": "number_format_exception", "reason": 'For input\nstring: "x"'}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("no permission", "no permission"),
        ({"type": "timeout_exception"}, "timeout_exception"),
        ({"reason": "failed to parse"}, "failed to parse"),
        (
            {"reason": "failed to parse", "caused_by": {"reason": "middle", "caused_by": INNER}},
            'failed to parse: For input string: "x"',
        ),
        ({"reason": "all shards failed", "root_cause": [INNER]}, 'For input string: "x"'),
        ({"reason": "all shards failed", "root_cause": []}, "all shards failed"),
    ],
)
def test_an_error_in_one_line(error: Any, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_long_reason_keeps_its_beginning_and_its_end() -> None:
    reason = reason_of({"reason": f"value [{'x' * 5_000}] is no number"})
    assert len(reason) == 500
    assert reason.startswith("value [")
    assert reason.endswith("] is no number")


PRODUCT = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}


def test_no_request_asks_for_a_version_of_the_api() -> None:
    with HttpServer(lambda request: Answer(200, b'{"errors": false}', PRODUCT)) as server:
        settings = ElasticsearchSettings(url=server.url)
        with connect(settings) as client:
            client.options(request_timeout=3).search(index="x", query={"match_all": {}})
            client.bulk(index="x", operations=[{"delete": {"_id": "1"}}])

        async def ask() -> None:
            async with connect_async(settings) as client:
                await client.search(index="x", query={"match_all": {}})

        asyncio.run(ask())
        kinds = [(request.header("accept"), request.header("content-type"))
                 for request in server.seen]  # fmt: skip
    json_ = ("application/json", "application/json")
    assert kinds == [json_, ("application/json", "application/x-ndjson"), json_]
    assert json.loads(server.seen[0].body) == {"query": {"match_all": {}}}
