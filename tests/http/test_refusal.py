"""Errors as HTTP answers, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from es_hybrid.errors import (
    ElasticsearchError,
    EmbeddingAway,
    EsHybridError,
    InvalidRequest,
    PassportMismatch,
    RequestRefused,
    RerankError,
    SettingsError,
    StorageError,
)
from es_hybrid.http.refusal import Refusal, UpstreamError, answer_refusals, refusal_of
from tests.running import listening
from tests.serve.running import ask

# Behind the server; only the log may show it.
PLACE = "http://10.0.0.7:9200"
ERRORS: dict[str, tuple[EsHybridError, int, str, str]] = {
    "refused": (
        RequestRefused("m", status=404, type="index_not_found_exception"),
        404, "index_not_found_exception", "m",
    ),
    "refusal": (Refusal(429, "busy", "m", [(b"retry-after", b"1")]), 429, "busy", "m"),
    "invalid": (
        InvalidRequest("m", place="filter price", remedy="r"),
        400, "illegal_argument_exception", "filter price: m; r",
    ),
    "upstream": (UpstreamError("m", status=504, place=PLACE), 504, "upstream_exception", "m"),
    "cluster": (ElasticsearchError("m", place=PLACE), 503, "upstream_exception", "m"),
    "embedding": (EmbeddingAway("m", place=PLACE), 502, "embedding_exception", "m"),
    "reranker": (RerankError("m", place=PLACE), 502, "rerank_exception", "m"),
    "storage": (StorageError("m", place=PLACE), 507, "storage_exception", "m"),
    "settings": (SettingsError("m", place=PLACE), 500, "settings_exception", "m"),
    "passport": (
        PassportMismatch("m", place=PLACE), 400, "illegal_argument_exception", f"{PLACE}: m",
    ),
    "any other": (EsHybridError("m", place=PLACE), 500, "internal_exception", "m"),
}  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = FastAPI()

    @app.get("/fail/{name}")
    async def fail(name: str, times: int = 1) -> None:
        raise ERRORS[name][0]

    answer_refusals(app)
    with listening(app) as address:
        yield address


@pytest.mark.parametrize("name", ERRORS)
def test_each_error_has_its_status(url: str, name: str) -> None:
    _, status, kind, reason = ERRORS[name]
    got = ask(url, f"/fail/{name.replace(' ', '%20')}")
    cause = {"type": kind, "reason": reason}
    assert got.status == status
    assert got.json() == {"error": {"root_cause": [cause], **cause}, "status": status}
    assert got.headers["x-elastic-product"] == "Elasticsearch"
    assert got.headers["content-type"] == "application/json"


def test_a_refusal_brings_its_headers(url: str) -> None:
    assert ask(url, "/fail/refusal").headers["retry-after"] == "1"


def test_errors_of_the_framework_have_elasticsearchs_form(url: str) -> None:
    wrong = ask(url, "/fail/refused?times=%00secret")
    assert wrong.status == wrong.json()["status"] == 400
    assert wrong.json()["error"]["reason"].startswith("[times]: input should be a valid integer")
    assert b"secret" not in wrong.body
    missing, method = ask(url, "/none"), ask(url, "/fail/refused", method="POST")
    assert (missing.status, method.status) == (404, 405)
    assert missing.json()["error"]["reason"] == "Not Found"
    assert method.headers["allow"] == "GET"


def test_an_unexpected_exception_reveals_nothing() -> None:
    refusal = refusal_of(ValueError("secret"))
    assert (refusal.status, refusal.type) == (500, "internal_exception")
    assert "secret" not in str(refusal.body())
