"""Keys reach their own servers only: canaries, all loggers at DEBUG, many failures."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import FaultyProxy, Forward, refusal
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import Answer, json_answer

EMBEDDING_KEY = "sk-canary-embedding-4711"
CLUSTER_KEY = "canary-cluster-0815"
SECRETS = (EMBEDDING_KEY, CLUSTER_KEY)


class Failures:
    """The faults of both servers, and what they received."""

    def __init__(self, elasticsearch: int | None, embedding: int | None) -> None:
        self._elasticsearch = elasticsearch
        self._embedding = embedding
        self.fired = 0

    def in_elasticsearch(self, path: str, _body: bytes, _ask: Forward) -> Answer | None:
        if self._elasticsearch is None or "/_bulk" not in path:
            return None
        self.fired += 1
        return refusal(self._elasticsearch)

    def in_embedding(self, _request: dict[str, Any], number: int) -> Any:
        if self._embedding is None or number < 8:  # the probe and the canary texts pass
            return None
        self.fired += 1
        return json_answer(self._embedding, {"error": {"message": "no"}})


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The DEBUG log of every library."""
    caplog.set_level(logging.DEBUG)
    for name in ("elastic_transport", "elasticsearch", "openai", "httpx", "httpcore", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.mark.parametrize(
    ("elasticsearch", "embedding"),
    [(None, None), (401, None), (400, None), (503, None), (None, 401), (None, 400), (None, 500)],
)
def test_no_key_in_logs_messages_or_files(
    node: EmbeddedNode,
    index_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    everything_logged: pytest.LogCaptureFixture,
    elasticsearch: int | None,
    embedding: int | None,
) -> None:
    failures = Failures(elasticsearch, embedding)
    monkeypatch.chdir(tmp_path)
    rows = [{"id": str(n), "title": f"Product {n}"} for n in range(100)]
    rows.append({"id": "bad", "title": ""})
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (
        FaultyProxy(node.url, failures.in_elasticsearch) as proxy,
        EmbeddingServer(fault=failures.in_embedding) as server,
    ):
        for name, value in {
            "ELASTICSEARCH__URL": proxy.url,
            "ELASTICSEARCH__API_KEY": CLUSTER_KEY,
            "EMBEDDING__BASE_URL": server.url,
            "EMBEDDING__API_KEY": EMBEDDING_KEY,
            "EMBEDDING__MAX_RETRIES": "0",
            "INDEX__NAME": index_name,
        }.items():
            monkeypatch.setenv(f"ES_HYBRID_{name}", value)
        load = ["-vv", "ingest", "load", "rows.jsonl", "--max-outage", "0.2"]
        result: Result = CliRunner().invoke(main, load)
    assert (result.exit_code in (0, 1)) == (not failures.fired), result.output
    assert set(server.keys) == {f"Bearer {EMBEDDING_KEY}"}
    assert len(everything_logged.records) > 10
    shown = result.output + everything_logged.text + repr(result.exc_info)
    assert not any(secret in shown for secret in SECRETS)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1, "neither a ledger nor dead letters"
    for path in files:
        assert not any(secret.encode() in path.read_bytes() for secret in SECRETS), path
