"""`es-hybrid ingest load` in its own process: exit status and output."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from ingest.sources import FILE_FORMATS
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import Answer
from tests.ingest.shell import Shell, error_of

Run = Callable[..., subprocess.CompletedProcess[str]]

ROWS = [
    {"id": "1", "title": "Kettle 1.7 L", "price": 29.9, "lang": "en"},
    {"id": "2", "title": "冰丝男士短袖T恤", "price": 79, "lang": "zh"},
]


def jsonl(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def run(node: EmbeddedNode, index_name: str, tmp_path: Path) -> Run:
    """Run `es-hybrid ingest load` in its own folder."""

    def run_load(
        *arguments: str,
        server: EmbeddingServer | None = None,
        url: str | None = None,
        stdin: str | None = None,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        if server is not None:
            variables["EMBEDDING__BASE_URL"] = server.url
        target = ("--url", url or node.url, "--index", index_name)
        return Shell(tmp_path, variables).run("ingest", "load", *arguments, *target, stdin=stdin)

    return run_load


def test_load_then_load_again(run: Run, tmp_path: Path, es: Elasticsearch, index_name: str) -> None:
    (tmp_path / "a.jsonl").write_text(jsonl(*ROWS))
    with EmbeddingServer() as server:
        first = run("a.jsonl", server=server)
        again = run("a.jsonl", server=server)
    assert (first.returncode, again.returncode) == (0, 0)
    assert (
        f"created index {index_name}-v0001 behind the alias {index_name}: 64 dims" in first.stderr
    )
    assert "created index" not in again.stderr
    assert first.stdout.startswith(f"{index_name}: 2 rows in ")
    assert "indexed               2" in first.stdout
    assert "unchanged             2" in again.stdout
    assert es.get(index=index_name, id="2")["_source"]["title"] == "冰丝男士短袖T恤"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".es-hybrid", "a.jsonl"]


def test_many_files_formats_and_a_mapping(
    run: Run, tmp_path: Path, es: Elasticsearch, index_name: str
) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(jsonl({"nr": 1, "name": "One"}).encode()))
    (tmp_path / "b.tsv").write_text("nr\tname\tpreis\n2\tTwo\t1.299,00 €\n")
    with EmbeddingServer() as server:
        finished = run(
            "a.jsonl.gz", "b.tsv", "--map", "id=nr", "--map", "title=name", server=server,
            INGEST__FIELDS='{"price": "preis"}', INGEST__DECIMAL_SEPARATOR=",",
        )  # fmt: skip
    assert (finished.returncode, finished.stderr.count("error")) == (0, 0)
    source = es.get(index=index_name, id="2")["_source"]
    assert (source["title"], source["price"], source["currency"]) == ("Two", 1299.0, "EUR")
    assert es.get(index=index_name, id="1")["_source"]["title"] == "One"


def test_standard_input(run: Run, es: Elasticsearch, index_name: str) -> None:
    with EmbeddingServer() as server:
        finished = run("-", "--format", "csv", server=server, stdin="id,title\n1,One\n")
        without = run("-", server=server, stdin="id,title\n1,One\n")
    assert (finished.returncode, without.returncode) == (0, 2)
    assert es.count(index=index_name)["count"] == 1
    assert error_of(without.stderr) == (
        "-: standard input has no name that shows the format; "
        f"set --format {'|'.join(FILE_FORMATS)}"
    )


def test_some_rows_rejected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        jsonl(*ROWS) + '{"id": \n' + jsonl({"id": "3", "title": "T", "price": "12,99"})
    )
    with EmbeddingServer() as server:
        finished = run(
            "a.jsonl", "--dead-letters", "bad.jsonl", server=server, INGEST__BAD_PRICE="reject"
        )
    assert finished.returncode == 1
    assert "rejected              2" in finished.stdout
    assert "a.jsonl:3: not JSON: " in finished.stdout
    assert (
        "a.jsonl:4 id=3 field=price: '12,99' is not a price with the decimal separator '.'; "
        "correct it, or set ingest.decimal_separator"
    ) in finished.stdout
    assert "rejected rows and reasons: bad.jsonl" in finished.stdout
    letters = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]
    assert [letter["place"] for letter in letters] == ["a.jsonl:3", "a.jsonl:4"]


@pytest.mark.parametrize("apart", [1, 700])  # in one slice, and in two
def test_rows_that_share_an_id(
    run: Run, tmp_path: Path, es: Elasticsearch, index_name: str, apart: int
) -> None:
    others = [{"id": f"o{n}", "title": "Mug", "lang": "en"} for n in range(apart)]
    (tmp_path / "a.jsonl").write_text(jsonl(ROWS[0], *others, ROWS[0] | {"price": 31}))
    with EmbeddingServer() as server:
        finished = run("a.jsonl", server=server)
        allowed = run("a.jsonl", server=server, INGEST__ALLOW_REPEATED_IDS="true")
    assert (finished.returncode, allowed.returncode) == (3, 0)
    assert "        1  replaced by a later row with the same id; first id '1'" in finished.stdout
    assert es.count(index=index_name)["count"] == apart + 1
    assert es.get(index=index_name, id="1")["_source"]["price"] == 31
    checked = Shell(tmp_path, {}).run("ingest", "check", "a.jsonl")
    assert checked.returncode == 3
    assert "ids        1 rows have the id of another row" in checked.stdout


def test_rows_of_one_id_with_versions_are_one_product(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(jsonl(*(ROWS[0] | {"changed": n} for n in (2, 1, 3))))
    with EmbeddingServer() as server:
        finished = run("a.jsonl", "--map", "version=changed", server=server)
    assert finished.returncode == 0
    assert "superseded            2" in finished.stdout


def test_skipped_and_altered_rows_are_in_the_report(run: Run, tmp_path: Path) -> None:
    header = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src\n"
    rows = "mug,Mug,Size,S,9.00,a.png\nmug,,,,,b.png\nmug,,,,,c.png\n"
    (tmp_path / "export.csv").write_text(header + rows)
    with EmbeddingServer() as server:
        finished = run("export.csv", server=server, INGEST__TEXT_MAX_CHARS="100")
        (tmp_path / "long.jsonl").write_text(jsonl(ROWS[0] | {"description": "Boils. " * 90}))
        cut = run("long.jsonl", server=server, INGEST__TEXT_MAX_CHARS="100")
    assert (finished.returncode, cut.returncode) == (0, 0)
    assert "        2  skipped: another image; first export.csv:3\n" in finished.stdout
    assert "only the beginning is embedded" not in finished.stdout
    assert (
        "        1  text: longer than ingest.text_max_chars, only the beginning is embedded; first "
        "long.jsonl:1: 642 characters"
    ) in cut.stdout


def test_all_rows_rejected(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(jsonl({"id": "1"}, {"title": "no id"}))
    with EmbeddingServer() as server:
        finished = run("a.jsonl", server=server)
    assert finished.returncode == 2
    assert (tmp_path / "es-hybrid.rejected.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "none.jsonl: no such file; check the path"),
        ("a.jsonl", "", "a.jsonl: the file is empty; check how it was written"),
        (
            "a.csv",
            "nr,title\n1,One\n",
            "a.csv: no column 'id'; it has 'nr', 'title'; name the column: "
            "--map id=COLUMN, or ingest.fields in the settings "
            "(`es-hybrid ingest map` proposes them)",
        ),
        ("a.dat", "x", "a.dat: the name does not show the format; set --format "
         + "|".join(FILE_FORMATS)),
    ],
)  # fmt: skip
def test_a_bad_file_ends_before_anything_is_embedded(
    run: Run, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    (tmp_path / "good.jsonl").write_text(jsonl(*ROWS))
    if content is not None:
        (tmp_path / name).write_text(content)
    with EmbeddingServer() as server:
        finished = run("good.jsonl", name, server=server)
        assert server.requests == []
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert error_of(finished.stderr) == message


def test_elasticsearch_unreachable(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(jsonl(*ROWS))
    with EmbeddingServer() as server:
        finished = run("a.jsonl", server=server, url="http://127.0.0.1:1")
    assert finished.returncode == 2
    message = error_of(finished.stderr)
    assert message.startswith("http://127.0.0.1:1: Elasticsearch cannot be reached")
    assert message.endswith("start a node with `es-hybrid node start`, or set elasticsearch.url")


def test_wrong_embedding_url(run: Run, tmp_path: Path, es: Elasticsearch, index_name: str) -> None:
    (tmp_path / "a.jsonl").write_text(jsonl(*ROWS))
    finished = run(
        "a.jsonl",
        EMBEDDING__BASE_URL="http://127.0.0.1:1/v1",
        EMBEDDING__MAX_RETRIES="0",
    )
    assert finished.returncode == 2
    message = error_of(finished.stderr)
    assert message.startswith("embedding server http://127.0.0.1:1/v1: cannot be reached")
    assert not es.indices.exists(index=index_name)


def test_an_embedding_server_of_other_dims(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(jsonl(*ROWS))
    with EmbeddingServer(dims=64) as server:
        assert run("a.jsonl", server=server).returncode == 0
    with EmbeddingServer(dims=128) as other:
        finished = run("a.jsonl", server=other)
    assert finished.returncode == 2
    message = error_of(finished.stderr)
    assert "made with dims 64" in message
    assert "128" in message
    assert "embedding.dims" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "prise=x"], "ingest.fields: no such product field: prise; map one of id, title"),
        (["--map", "price"], "'price' is not FIELD=COLUMN"),
    ],
)
def test_a_wrong_mapping(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "a.jsonl").write_text(jsonl(*ROWS))
    finished = run("a.jsonl", *arguments)
    assert finished.returncode == 2
    assert message in finished.stderr


def test_the_embedding_server_dies_in_the_middle(run: Run, tmp_path: Path) -> None:
    rows = [{"id": str(n), "title": f"T{n}", "lang": "en"} for n in range(400)]
    (tmp_path / "a.jsonl").write_text(jsonl(*rows))

    def fault(_request: dict[str, Any], number: int) -> Any:
        return Answer(500, b"gone") if number > 8 else None

    with EmbeddingServer(fault=fault) as server:
        finished = run("a.jsonl", "--max-outage", "1", server=server, EMBEDDING__MAX_RETRIES="0")
    assert finished.returncode == 75
    assert "not finished" in finished.stdout
    (ledger,) = (tmp_path / ".es-hybrid/loads").glob("*.sqlite")
    assert error_of(finished.stderr).endswith(
        f"then resume with `es-hybrid ingest resume {ledger.stem}`"
    )


def test_importing_the_command_is_quick() -> None:
    """`es-hybrid --help` must not wait for numpy and Elasticsearch."""
    code = (
        "import sys, ingest.cli; "
        "heavy = {'numpy', 'elasticsearch', 'pydantic', 'orjson', 'rich'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert finished.returncode == 0, finished.stderr
