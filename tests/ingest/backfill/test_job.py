"""Backfill: a shop's own index gets vectors in place while the shop keeps writing."""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.index.document import read_vector, text_hash
from es_hybrid.node import EmbeddedNode
from ingest.backfill.rate import TokenBucket
from ingest.record.loads import lock_index
from tests.fakes.elasticsearch import Fault, FaultyProxy, Forward
from tests.fakes.embedding import EmbeddingServer, vector_of
from tests.fakes.http import DROP, Answer
from tests.ingest.foreign import SHOP_FIELDS, SHOP_MAPPING, ShopWriter, make_shop, shop_document
from tests.pauses import wait_until

DIMS = 64
# One text to find the dims, and three canaries.
ASKED_AT_START = 4
Run = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dims=DIMS) as server:
        yield server


@pytest.fixture
def run(
    node: EmbeddedNode, server: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run a command in a folder with the shop's settings."""
    monkeypatch.chdir(tmp_path)
    fields = ", ".join(f'{name} = "{path}"' for name, path in SHOP_FIELDS.items())
    (tmp_path / "es-hybrid.toml").write_text(
        f'[elasticsearch]\nurl = "{node.url}"\n'
        f'[embedding]\nbase_url = "{server.url}"\nbatch_size = 8\nmax_retries = 0\n'
        f"[ingest]\nfields = {{ {fields} }}\n"
        "[search]\ntimeout_ms = 0\n[rerank]\nenabled = false\n"
    )
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


def stored(es: Elasticsearch, index: str) -> dict[str, dict[str, Any]]:
    """Id -> document with its vector."""
    es.indices.refresh(index=index)
    answer = es.search(index=index, size=10_000, source={"exclude_vectors": False})
    return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}


def text_in(document: dict[str, Any]) -> str:
    """The text that must be embedded, built independently."""
    return ". ".join(
        (
            document["bezeichnung"]["en"],
            document["marke"],
            document["warengruppe"],
            document["beschreibung"].replace("<b>", "").replace("</b>", ""),
        )
    )


def assert_vectors_are_right(documents: dict[str, dict[str, Any]]) -> None:
    for id_, document in documents.items():
        text = text_in(document)
        assert document["text_hash"] == text_hash(text), id_
        cosine = float(read_vector(document["embedding"]) @ vector_of(text, DIMS))
        assert cosine > 0.999, id_


def prepared(es: Elasticsearch, index: str, run: Run, count: int) -> None:
    make_shop(es, index, [shop_document(number) for number in range(count)])
    applied = run("index", "apply", index)
    assert applied.exit_code == 0, applied.output


def test_plan_apply_backfill_and_search(
    es: Elasticsearch, index_name: str, run: Run, server: EmbeddingServer
) -> None:
    make_shop(es, index_name, [shop_document(number) for number in range(60)])
    assert run("index", "plan", index_name).exit_code == 0
    assert es.indices.get_mapping(index=index_name)[index_name]["mappings"] == SHOP_MAPPING
    assert run("index", "apply", index_name).exit_code == 0

    filled = run("ingest", "backfill", index_name)
    assert filled.exit_code == 0, filled.output
    assert f"{index_name}: 60 vectors filled in " in filled.stdout
    assert "coverage      60 of 60 documents (100.00%)" in filled.stdout
    documents = stored(es, index_name)
    assert_vectors_are_right(documents)
    ours = {"embedding", "text_hash"}
    for number in range(60):
        kept = {name: v for name, v in documents[str(number)].items() if name not in ours}
        assert kept == shop_document(number)

    asked = len(server.texts)
    again = run("ingest", "backfill", index_name)
    assert f"{index_name}: 0 vectors filled" in again.stdout
    assert len(server.texts) == asked + ASKED_AT_START

    words = run("search", "Article 17", "--index", index_name, "--mode", "bm25", "--json")
    assert words.exit_code == 0, words.output
    assert json.loads(words.stdout)["hits"][0]["id"] == "17"
    exact = run("search", "a-00042", "--index", index_name, "--json")
    assert json.loads(exact.stdout)["hits"][0]["id"] == "42"
    near = run("search", "Article 5", "--index", index_name, "--mode", "hybrid", "--facet", "marke")
    assert near.exit_code == 0, near.output
    assert "Article 5 of the shop" in near.stdout


def test_no_update_of_a_writer_is_lost_and_all_is_covered(
    es: Elasticsearch, index_name: str, run: Run, server: EmbeddingServer
) -> None:
    count = 300
    prepared(es, index_name, run, count)
    with ShopWriter(es, index_name, count, seed=6) as writer:

        def after_the_writer(request: dict[str, Any], number: int) -> None:
            """The writer writes between reading and updating."""
            before = writer.writes
            wait_until(lambda: writer.writes > before + 5 or writer.error)

        server.fault = after_the_writer
        during = run("ingest", "backfill", index_name)
    assert during.exit_code == 0, during.output
    assert writer.writes > 100
    assert "changed meanwhile" in during.stdout, "the fault fired: a writer was in between"

    documents = stored(es, index_name)
    for id_, expected in writer.expected.items():
        found = documents.get(id_)
        if expected is None:
            assert found is None, id_
            continue
        assert found is not None
        assert {name: found[name] for name in expected} == expected, id_
    assert len(documents) == count - sum(each is None for each in writer.expected.values())

    server.fault = None
    after = run("ingest", "backfill", index_name)
    assert after.exit_code == 0, after.output
    documents = stored(es, index_name)
    assert f"coverage      {len(documents)} of {len(documents)} documents (100.00%)" in after.stdout
    assert_vectors_are_right(documents)


def test_a_vector_that_a_writer_dropped_comes_back(
    es: Elasticsearch, index_name: str, run: Run
) -> None:
    """A writer that reads `_source` and writes it back keeps the hash and drops the vector."""
    prepared(es, index_name, run, 3)
    run("ingest", "backfill", index_name)
    source = es.get(index=index_name, id="1")["_source"]
    assert "embedding" not in source, "the trap is there: _source hides vectors"
    es.index(index=index_name, id="1", document=source, refresh=True)
    assert "1 vectors filled" in run("ingest", "backfill", index_name).stdout
    assert_vectors_are_right(stored(es, index_name))


def test_killed_in_the_middle_it_goes_on_where_it_was(
    es: Elasticsearch, index_name: str, run: Run, server: EmbeddingServer
) -> None:
    prepared(es, index_name, run, 40)
    first = len(server.texts)

    def dies_later(request: dict[str, Any], number: int) -> Any:
        done = len(server.texts) - first
        return Answer(401, b"no more") if done > 24 else None

    server.fault = dies_later
    ended = run("ingest", "backfill", index_name)
    assert ended.exit_code == 2, ended.output
    filled = sum("embedding" in document for document in stored(es, index_name).values())
    assert 8 <= filled < 40
    server.fault = None
    asked = len(server.texts)
    assert run("ingest", "backfill", index_name).exit_code == 0
    assert len(server.texts) - asked == 40 - filled + ASKED_AT_START
    assert_vectors_are_right(stored(es, index_name))


def test_an_embedding_server_that_stays_away_ends_it_resumable(
    es: Elasticsearch, index_name: str, run: Run, server: EmbeddingServer
) -> None:
    prepared(es, index_name, run, 20)
    first = len(server.texts)
    server.fault = lambda request, number: (
        Answer(503, b"restarting") if len(server.texts) - first > ASKED_AT_START + 8 else None
    )
    away = run("ingest", "backfill", index_name, "--max-outage", "0.5")
    assert away.exit_code == 75, away.output
    assert "coverage      8 of 20 documents" in away.stdout
    assert "incomplete: run it again" in away.stdout
    server.fault = None
    assert "12 vectors filled" in run("ingest", "backfill", index_name).stdout


def test_elasticsearch_away_is_waited_out_and_too_long_an_outage_is_resumable(
    es: Elasticsearch, index_name: str, run: Run, node: EmbeddedNode
) -> None:
    prepared(es, index_name, run, 20)

    def away_from_the_first_bulk(requests: float) -> Fault:
        dropped = itertools.count()

        def fault(path: str, body: bytes, ask: Forward) -> Answer | None:
            if not (away or "/_bulk" in path):
                return None
            away.append(path)
            return DROP if next(dropped) < requests else None

        away: list[str] = []
        return fault

    with FaultyProxy(node.url, away_from_the_first_bulk(math.inf)) as proxy:
        ended = run("ingest", "backfill", index_name, "--url", proxy.url, "--max-outage", "1")
        assert proxy.statuses.count(0) > 1, "the outage came"
    assert ended.exit_code == 75, ended.output
    with FaultyProxy(node.url, away_from_the_first_bulk(4)) as proxy:
        finished = run("ingest", "backfill", index_name, "--url", proxy.url)
        assert proxy.statuses.count(0) == 4, "the outage came"
    assert finished.exit_code == 0, finished.output
    assert "coverage      20 of 20 documents" in finished.stdout
    assert_vectors_are_right(stored(es, index_name))


def test_documents_with_routing_are_filled(es: Elasticsearch, index_name: str, run: Run) -> None:
    make_shop(es, index_name, [])
    for number in range(10):
        es.index(
            index=index_name, id=str(number), routing=f"r{number}", document=shop_document(number)
        )
    es.indices.refresh(index=index_name)
    run("index", "apply", index_name)
    finished = run("ingest", "backfill", index_name)
    assert "coverage      10 of 10" in finished.stdout
    assert_vectors_are_right(stored(es, index_name))


def test_documents_without_text_are_dead_letters_and_the_rest_is_filled(
    es: Elasticsearch, index_name: str, run: Run, server: EmbeddingServer, tmp_path: Path
) -> None:
    documents = [shop_document(number) for number in range(20)]
    documents[3]["bezeichnung"] = {"intern": "nothing to show"}
    documents[7]["bezeichnung"]["en"] = "poison"
    make_shop(es, index_name, documents)
    run("index", "apply", index_name)

    def refuses_poison(request: dict[str, Any], number: int) -> Any:
        poisoned = any("poison" in text for text in request["input"])
        return Answer(400, b'{"error": {"message": "cannot be tokenized"}}') if poisoned else None

    server.fault = refuses_poison
    finished = run("ingest", "backfill", index_name, "--dead-letters", "bad.jsonl")
    assert finished.exit_code == 1, finished.output
    assert "coverage      18 of 20 documents (90.00%)" in finished.stdout
    letters = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert {(letter["id"], letter["stage"]) for letter in letters} == {
        ("3", "clean"),
        ("7", "embed"),
    }
    assert letters[0]["place"] == f"{index_name}/3"
    again = run("ingest", "backfill", index_name, "--dead-letters", "bad.jsonl")
    assert again.exit_code == 1
    assert len((tmp_path / "bad.jsonl").read_text().splitlines()) == 2, "none twice"


def test_documents_without_any_text_end_it_early(
    es: Elasticsearch, index_name: str, run: Run, server: EmbeddingServer
) -> None:
    titleless = {**shop_document(0), "bezeichnung": {"intern": "x"}}
    make_shop(es, index_name, [titleless] * 300)
    run("index", "apply", index_name)
    asked = len(server.texts)
    ended = run("ingest", "backfill", index_name)
    assert ended.exit_code == 2
    assert "100 rows in a row were rejected" in ended.stderr
    assert len(server.texts) - asked == ASKED_AT_START


def test_a_second_backfill_of_the_same_index_is_locked_out(
    es: Elasticsearch, index_name: str, run: Run, tmp_path: Path
) -> None:
    prepared(es, index_name, run, 1)
    with lock_index(tmp_path / ".es-hybrid/loads", index_name):
        second = run("ingest", "backfill", index_name)
    assert second.exit_code == 2
    assert "locked by process" in second.stderr


def test_an_index_without_a_passport_is_refused(
    es: Elasticsearch, index_name: str, run: Run
) -> None:
    make_shop(es, index_name, [])
    refused = run("ingest", "backfill", index_name)
    assert refused.exit_code == 2
    assert "no es-hybrid passport" in refused.stderr
    assert "es-hybrid index plan" in refused.stderr


def test_a_load_into_the_shops_own_index_is_refused(
    es: Elasticsearch, index_name: str, run: Run, tmp_path: Path
) -> None:
    prepared(es, index_name, run, 1)
    (tmp_path / "a.jsonl").write_text('{"id": "9", "bezeichnung.en": "T"}\n')
    refused = run("ingest", "load", "a.jsonl", "--index", index_name)
    assert refused.exit_code == 2
    assert "the shop's own" in refused.stderr
    assert es.count(index=index_name)["count"] == 1


def test_the_bucket_lets_no_more_through_than_its_rate() -> None:
    waited: list[float] = []

    class Clock(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            return False

    bucket = TokenBucket(100, Clock())
    for _ in range(10):
        bucket.take(20)
    assert len(waited) == 10
    assert waited == sorted(waited), "each batch waits for what the ones before it took"
    assert np.isclose(waited[-1], 2.0, atol=0.1)
    free = TokenBucket(None, Clock())
    free.take(10**9)
    assert len(waited) == 10


def test_a_query_in_another_language_finds_the_shops_own_products(
    es: Elasticsearch, index_name: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the embedded encoder, from the plan to the search."""
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__BASE_URL", "")
    titles = ("Elektrischer Wasserkocher 1,7 Liter", "Herren-Wanderschuhe, wasserdicht", "Zelt")
    make_shop(es, index_name, [shop_document(n, title=each) for n, each in enumerate(titles)])
    for arguments in (("index", "plan"), ("index", "apply"), ("ingest", "backfill")):
        finished = run(*arguments, index_name)
        assert finished.exit_code == 0, finished.output
    assert "coverage      3 of 3 documents" in finished.stdout
    for query, id_ in (
        ("电热水壶", "0"),
        ("waterproof hiking boots", "1"),
        ("tienda de campaña", "2"),
    ):
        found = run("search", query, "--index", index_name, "--json")
        assert found.exit_code == 0, found.output
        hit = json.loads(found.stdout)["hits"][0]
        assert (hit["id"], hit["source"]["bezeichnung"]["en"]) == (id_, titles[int(id_)])
