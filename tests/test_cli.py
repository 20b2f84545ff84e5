"""The commands as a user types them: output, messages and exit statuses."""

from __future__ import annotations

import json
import socket
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer

COMMANDS = [
    "align",
    "demo",
    "eval",
    "index",
    "ingest",
    "model",
    "node",
    "rerank",
    "search",
    "serve",
    "ui",
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # No node of the developer's own may be found in place of the one named.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def _unused_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def assert_fails(result: Result, *words: str) -> None:
    """Exit status 2 and one message with these words; no traceback."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    for word in words:
        assert word in errors[0]


def test_help_names_every_command_with_its_purpose() -> None:
    listed = run("--help").stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == COMMANDS
    assert all(len(line.split()) > 2 for line in listed if line.strip())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_an_unknown_command_is_an_error() -> None:
    assert run("nonsense").exit_code == 2


def test_the_index_is_made_once_and_described(node: EmbeddedNode, index_name: str) -> None:
    target = ("--url", node.url, "--index", index_name)
    made = run("index", "create", *target)
    assert made.exit_code == 0, made.output
    first = f"{index_name}-v0001"
    assert f"created {first}: 512 dims of universal-sentence-encoder-multilingual" in made.stdout
    again = run("index", "create", "--url", node.url, "--index", first)
    assert_fails(again, first, "already exists", "--index")
    described = json.loads(run("index", "describe", *target, "--json").stdout)
    assert described["documents"] == 0
    assert described["passport"]["similarity"] == "cosine"
    assert described["vector_options"]["index_options"]["type"] == "int8_hnsw"
    assert "0 documents" not in run("index", "describe", *target).stdout


def test_the_catalogue_is_loaded_searched_and_measured(node: EmbeddedNode, index_name: str) -> None:
    target = ("--url", node.url, "--index", index_name)
    data = files("es_hybrid.data")
    with (
        as_file(data.joinpath("products.jsonl")) as products,
        as_file(data.joinpath("queries.tsv")) as queries,
        as_file(data.joinpath("qrels.txt")) as qrels,
    ):
        loaded = run("ingest", "load", str(products), *target)
        assert loaded.exit_code == 0, loaded.output
        table = run("search", "Wasserkocher 1,7 l", *target, "--facet", "lang")
        asked = run("search", "Wasserkocher 1,7 l", *target, "--filter", "lang=fr", "--json")
        measured = run("eval", str(queries), str(qrels), *target, "--json", "--by-language")
    assert "KIT-002-de" in table.stdout
    assert "lang: " in table.stdout
    answer = json.loads(asked.stdout)
    assert answer["hits"][0]["id"] == "KIT-002-fr"
    assert {hit["source"]["lang"] for hit in answer["hits"]} == {"fr"}
    assert answer["hits"][0]["stages"]["knn"]["rank"] == 1
    rows = {(row["lang"], row["mode"]): row for row in json.loads(measured.stdout)}
    assert {lang for lang, _ in rows} == {"all", "zh", "en", "fr", "es", "de"}
    hybrid, bm25, knn = (rows["all", mode]["nDCG@10"] for mode in ("hybrid", "bm25", "knn"))
    assert hybrid > max(bm25, knn)
    assert hybrid > 0.8


def test_nobody_listening_names_url_and_remedy() -> None:
    url = _unused_url()
    assert_fails(run("search", "x", "--url", url), url, "cannot be reached", "es-hybrid node start")
    assert_fails(run("index", "describe", "--url", url), url, "cannot be reached")


def test_something_else_listening_is_told_apart_from_elasticsearch() -> None:
    with EmbeddingServer() as server:
        url = server.url.removesuffix("/v1")
        assert_fails(run("search", "x", "--url", url), url, "elasticsearch.url")


def test_an_url_that_is_none_is_refused() -> None:
    assert_fails(run("search", "x", "--url", "localhost"), "localhost", "http://host:9200")


def test_an_absent_index_is_named(node: EmbeddedNode, index_name: str) -> None:
    result = run("search", "x", "--url", node.url, "--index", index_name)
    assert_fails(result, index_name, "no such index", "index create")


def test_a_wrong_embedding_url_is_named(
    node: EmbeddedNode, index_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__BASE_URL", _unused_url())
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__MAX_RETRIES", "0")
    result = run("index", "create", "--url", node.url, "--index", index_name)
    assert_fails(result, "embedding server", "cannot be reached", "embedding.base_url")


@pytest.mark.parametrize(
    ("queries", "qrels", "words"),
    [
        ("q1 no tab\n", "q1 0 d 1\n", ["queries.tsv:1", "tab"]),
        ("q1\ta\nq1\tb\n", "q1 0 d 1\n", ["queries.tsv:2", "duplicate query id q1"]),
        ("q1\ta\n", "q1 0 d\n", ["qrels.txt:1", "four columns"]),
        ("q1\ta\n", "q1 0 d good\n", ["qrels.txt:1", "whole number"]),
        ("q1\ta\n", None, ["qrels.txt", "no such file"]),
    ],
)
def test_unusable_judgements_are_named_by_line(
    queries: str, qrels: str | None, words: list[str]
) -> None:
    Path("queries.tsv").write_text(queries, encoding="utf-8")
    if qrels is not None:
        Path("qrels.txt").write_text(qrels, encoding="utf-8")
    assert_fails(run("eval", "queries.tsv", "qrels.txt"), *words)


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__DIMS", "7")
    assert_fails(run("search", "x"), "embedding.dims")
