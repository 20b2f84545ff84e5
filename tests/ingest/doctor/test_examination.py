"""The doctor on a healthy shop, and on each fault that it must name with its remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from es_hybrid.privileges import role_of
from es_hybrid.settings import Settings
from ingest.doctor.examination import examine
from ingest.doctor.finding import Finding
from tests.fakes.elasticsearch import FaultyProxy
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import Answer, HttpServer, Request, dead_url, json_answer
from tests.fakes.reranking import Model, RerankServer, by_chance, by_overlap, serving_model
from training.data import load_products

ROWS = [
    {"id": f"{number}", "title": f"Electric kettle {number}", "lang": "en"} for number in range(3)
]


@pytest.fixture(scope="module")
def settings(
    node: EmbeddedNode, es: Elasticsearch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """Settings of an index with three products and the embedded encoder; no reranker."""
    tmp_path = tmp_path_factory.mktemp("doctor")
    found = Settings().with_(
        elasticsearch={"url": node.url},
        index={"name": "test-doctor", "languages": ()},
        rerank={"enabled": False},
        ingest={"ledger_dir": tmp_path / "loads", "dead_letters": tmp_path / "dead.jsonl"},
    )
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    load_products(found, rows)
    yield found
    for index in es.indices.get(index="test-doctor*"):
        es.indices.delete(index=index)


def serious(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Part, status, text and remedy of all findings that are not ok."""
    found = list(examine(settings))
    assert all(each.remedy for each in found if each.status != "ok")
    return [
        (each.part, each.status, each.text, each.remedy) for each in found if each.status != "ok"
    ]


def only(settings: Settings) -> tuple[str, str, str, str]:
    """The only finding besides the floor, which no index of a test has."""
    [found] = [each for each in serious(settings) if "no floor" not in each[2]]
    return found


@pytest.fixture
def proxied(settings: Settings) -> Iterator[Callable[[str, Any], Settings]]:
    """Settings for a cluster that gives one path another answer."""
    proxies: list[FaultyProxy] = []

    def changed(path: str, body: Any) -> Settings:
        def fault(target: str, _body: bytes, _forward: Any) -> Answer | None:
            return json_answer(200, body) if target.startswith(path) else None

        assert settings.elasticsearch.url is not None
        proxy = FaultyProxy(settings.elasticsearch.url, fault)
        proxy.__enter__()
        proxies.append(proxy)
        return settings.with_(elasticsearch={"url": proxy.url})

    yield changed
    for proxy in proxies:
        proxy.__exit__(None, None, None)


def test_a_healthy_shop(settings: Settings) -> None:
    found = list(examine(settings))
    assert [each for each in found if each.status != "ok" and "floor" not in each.text] == []
    assert {each.part for each in found} == {
        "settings", "cluster", "embedding", "index", "reranker", "disk",
    }  # fmt: skip
    assert Finding(part="index", status="ok", text="3 of 3 documents have a vector") in found


def test_another_number_of_dims(settings: Settings) -> None:
    model = "universal-sentence-encoder-multilingual"
    with EmbeddingServer(dims=64) as server:
        served = settings.with_(embedding={"base_url": server.url, "model": model})
        [found] = [each for each in serious(served) if "dims" in each[2]]
    part, status, text, remedy = found
    assert (part, status) == ("index", "failure")
    assert "dims 512, but the configured embedder has" in text
    assert "dims 64" in text
    assert "embedding.dims" in remedy


def test_a_dead_embedding_server(settings: Settings) -> None:
    part, status, text, remedy = only(settings.with_(embedding={"base_url": f"{dead_url()}/v1"}))
    assert (part, status) == ("embedding", "failure")
    assert "cannot be reached" in text
    assert "embedding.base_url" in remedy


def test_an_index_of_another_model(
    proxied: Callable[[str, Any], Settings], settings: Settings, es: Elasticsearch
) -> None:
    index = settings.index.name
    mapping = es.indices.get_mapping(index=index).body
    [name] = mapping
    mapping[name]["mappings"]["_meta"]["es_hybrid"]["model"] = "somebody/else"
    part, status, text, _ = only(proxied(f"/{index}/_mapping", mapping))
    assert (part, status) == ("index", "failure")
    assert "somebody/else" in text


def test_templates_of_the_index_and_of_the_settings(
    settings: Settings, es: Elasticsearch, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with EmbeddingServer() as server:
        served = settings.with_(
            embedding={"base_url": server.url, "model": "intfloat/e5-base-v2"},
            index={"name": "test-doctor-e5"},
        )
        load_products(served, rows)
        texts = [each.text for each in examine(served)]
        assert "sends queries as 'query: {text}', documents as 'passage: {text}'" in texts
        assert "its vectors are those of intfloat/e5-base-v2" in texts

        bare = served.with_(embedding={"document_template": "none"})
        [found] = [each for each in serious(bare) if each[1] == "failure" and each[0] == "index"]
        assert "were made with document_template 'passage: {text}'" in found[2]
        assert found[3].startswith("set embedding.document_template as in the index")

        other = served.with_(embedding={"query_template": "search: {text}"})
        [found] = [each for each in serious(other) if "queries are sent as" in each[2]]
        assert found[:3] == (
            "index",
            "warning",
            "queries are sent as 'search: {text}', when the index was created as 'query: {text}'",
        )


def test_a_read_only_index(settings: Settings, es: Elasticsearch) -> None:
    index = settings.index.name
    es.indices.put_settings(index=index, settings={"index.blocks.write": True})
    part, status, text, remedy = only(settings)
    es.indices.put_settings(index=index, settings={"index.blocks.write": False})
    assert (part, status, remedy) == ("index", "failure", "remove it")
    assert "index.blocks.write is set" in text


def test_a_source_that_hides_fields(
    proxied: Callable[[str, Any], Settings], settings: Settings, es: Elasticsearch
) -> None:
    index = settings.index.name
    mapping = es.indices.get_mapping(index=index).body
    [name] = mapping
    mapping[name]["mappings"]["_source"] = {"excludes": ["embedding"]}
    part, status, text, remedy = only(proxied(f"/{index}/_mapping", mapping))
    assert (part, status, remedy) == ("index", "failure", "load into a new index")
    assert "`_source.excludes` hides fields, which every partial update would delete" in text


def test_documents_without_a_vector(settings: Settings, es: Elasticsearch) -> None:
    index = settings.index.name
    es.index(index=index, id="new", document={"title": "a"}, refresh=True)
    part, status, text, remedy = only(settings)
    es.delete(index=index, id="new", refresh=True)
    assert (part, status, text) == ("index", "warning", "3 of 4 documents have a vector")
    assert "ingest backfill" in remedy


def test_too_little_memory(proxied: Callable[[str, Any], Settings]) -> None:
    memory = {
        "os": {"mem": {"total_in_bytes": 2**30}},
        "jvm": {"mem": {"heap_max_in_bytes": 2**30 - 100}},
    }
    part, status, text, remedy = only(proxied("/_nodes/stats", {"nodes": {"a": memory}}))
    assert (part, status) == ("index", "warning")
    assert "of page cache" in text
    assert "index.vector_type" in remedy


@pytest.mark.parametrize(
    ("denied", "status", "says"),
    [
        ("read", "failure", "anna may not search INDEX: lacks read of INDEX"),
        ("write", "warning", "anna may search INDEX, but not load: lacks write of INDEX"),
        (None, "ok", "anna may search and load INDEX"),
    ],
)
def test_the_privileges_of_the_user(
    proxied: Callable[[str, Any], Settings],
    settings: Settings,
    denied: str | None,
    status: str,
    says: str,
) -> None:
    name = settings.index.name
    roles = [role_of(group, name) for group in ("search", "load")]
    index: dict[str, dict[str, bool]] = {}
    for part in (part for role in roles for part in role["indices"]):
        for each in part["names"]:
            index.setdefault(each, {}).update(dict.fromkeys(part["privileges"], True))
    if denied:
        index[name][denied] = False
    answer = {"username": "anna", "cluster": {"monitor": True}, "index": index}
    found = [
        each
        for each in examine(proxied("/_security/user/_has_privileges", answer))
        if each.text.startswith("anna")
    ]
    assert [(each.status, each.text) for each in found] == [(status, says.replace("INDEX", name))]


def test_a_cluster_that_cannot_be_reached(settings: Settings) -> None:
    part, status, text, remedy = only(settings.with_(elasticsearch={"url": dead_url()}))
    assert (part, status) == ("cluster", "failure")
    assert "Elasticsearch cannot be reached" in text
    assert "elasticsearch.url" in remedy


def _inverted(query: str, documents: Sequence[str]) -> list[float]:
    return [1 - score for score in by_overlap(query, documents)]


def _latin(query: str, documents: Sequence[str]) -> list[float]:
    return (by_overlap if max(query) < "\u3000" else by_chance)(query, documents)


@pytest.mark.parametrize(
    ("model", "findings"),
    [
        (by_overlap, [("ok", "passes its canaries in en, de, fr, es, zh, ja", "")]),
        (_inverted, [("failure", "the label is inverted", "score of `yes`")]),
        (by_chance, [("failure", "head is random", "prompt template")]),
        (
            _latin,
            [
                ("warning", "fails its canaries in zh, ja", "may not know them"),
                ("ok", "passes its canaries in en, de, fr, es", ""),
            ],
        ),
    ],
)
def test_a_rerank_server(
    settings: Settings, model: Model, findings: Sequence[tuple[str, str, str]]
) -> None:
    with RerankServer(serving_model(model)) as server:
        served = settings.with_(rerank={"enabled": True, "url": server.url})
        _, *found = (each for each in examine(served) if each.part == "reranker")
    for each, (status, text, remedy) in zip(found, findings, strict=True):
        assert each.status == status
        assert text in each.text
        assert remedy in each.remedy


def test_a_variable_that_sets_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_HYBRID_EMBEDING__BASE_URL", "http://localhost:1/v1")
    part, status, text, _ = only(settings)
    assert (part, status) == ("settings", "warning")
    assert text == "the variable ES_HYBRID_EMBEDING__BASE_URL sets nothing"


def test_a_server_that_is_not_elasticsearch(settings: Settings) -> None:
    def other(request: Request) -> Answer:
        return json_answer(200, {"hello": "world"})

    with HttpServer(other) as server:
        part, status, text, _ = only(settings.with_(elasticsearch={"url": server.url}))
    assert (part, status) == ("cluster", "failure")
    assert "not Elasticsearch" in text


def test_the_command(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = ("--url", str(settings.elasticsearch.url), "--index", settings.index.name, "--json")
    healthy = CliRunner().invoke(main, ["doctor", *target])
    assert healthy.exit_code == 0, healthy.output
    assert {each["status"] for each in json.loads(healthy.stdout)} <= {"ok", "warning"}
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__BASE_URL", f"{dead_url()}/v1")
    ill = CliRunner().invoke(main, ["doctor", *target])
    assert ill.exit_code == 1
    assert "failure" in ill.stdout
