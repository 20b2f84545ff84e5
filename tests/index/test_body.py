"""The index body."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from es_hybrid.index.body import index_body, probe_analyzers
from es_hybrid.index.passport import Passport
from es_hybrid.settings import IndexSettings
from tests.fakes.http import Answer, HttpServer
from tests.golden_files import assert_golden

PASSPORT = Passport(
    vector_field="embedding",
    model="m",
    revision="",
    dims=64,
    similarity="cosine",
    query_instruction="",
    text_template=("title",),
    text_max_chars=2000,
)


def test_body_without_any_language_analyzer() -> None:
    assert_golden("index_body", index_body(IndexSettings(), passport=PASSPORT, analyzers={}))


def test_body_follows_the_settings_and_the_analyzers_of_the_cluster() -> None:
    settings = IndexSettings(
        shards=3, replicas=1, similarity="dot_product", vector_type="bbq_hnsw", vector_field="v"
    )
    body = index_body(settings, passport=PASSPORT, analyzers={"en": "english", "cjk": "cjk"})
    assert_golden("index_body_two_languages", body)


def test_a_user_who_may_not_analyze_gets_the_analyzers_of_a_distribution() -> None:
    def refuse(request: object) -> Answer:
        named = {"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}
        return Answer(403, b'{"error": {"type": "security_exception"}, "status": 403}', named)

    with HttpServer(refuse) as server, Elasticsearch(server.url) as client:
        assert probe_analyzers(client, ["en", "ja", "zh"]) == {"en": "english", "cjk": "cjk"}
        assert [each.path for each in server.seen] == ["/_analyze", "/_analyze"]
