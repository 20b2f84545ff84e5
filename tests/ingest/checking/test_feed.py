from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.embedding import open_embedder
from es_hybrid.index.lifecycle import create_index
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import (
    ElasticsearchSettings,
    EmbeddingSettings,
    IndexSettings,
    IngestSettings,
    Settings,
)
from ingest.checking import check_feed, check_target
from ingest.checking.seen_ids import SeenIds
from ingest.record.remarks import Remark
from ingest.sources import Source
from tests.fakes.embedding import EmbeddingServer

GOOD = {"id": "1", "title": "Kettle", "price": 29.9, "currency": "EUR", "lang": "en",
        "category": "Kitchen > Kettles", "description": "Boils water. " * 20}  # fmt: skip


def feed(folder: Path, *rows: dict[str, Any] | str, name: str = "a.jsonl") -> str:
    path = folder / name
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def test_skipped_rows_are_counted_by_reason(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    header = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src\n"
    path.write_text(header + "mug,Mug,Size,S,9.00,a.png\nmug,,,,,b.png\nmug,,,,,c.png\n")
    report = check_feed(Settings(), [Source(str(path), "csv")])
    assert (report.rows, report.products, report.skipped) == (3, 1, 2)
    assert report.remarks == {"skipped: another image": Remark(2, f"{path}:3")}


def test_everything_about_a_feed(tmp_path: Path) -> None:
    first = feed(
        tmp_path,
        GOOD,
        GOOD | {"id": "2", "price": 10, "lang": "de"},
        GOOD | {"id": "3", "price": "12,99"},
        GOOD | {"id": "4", "price": "13,99", "sku": "K-4"},
        "{",
        {"id": "5", "title": "Mug", "lang": "en"},
    )
    second = feed(tmp_path, GOOD | {"id": "2", "lang": "de"}, GOOD, GOOD, name="b.jsonl")
    settings = Settings(ingest=IngestSettings(text_max_chars=100, bad_price="reject"))
    report = check_feed(settings, [Source(first, "jsonl"), Source(second, "jsonl")])
    assert (report.rows, report.rejected, report.products) == (9, 3, 6)
    assert [(group.field, group.rows) for group in report.problems] == [("price", 2), ("", 1)]
    assert report.problems[0].remedy == "correct it, or set ingest.decimal_separator"
    assert report.problems[0].first == [
        f"{first}:3 id=3 field=price: '12,99' is not a price with the decimal separator '.'",
        f"{first}:4 sku=K-4 field=price: '13,99' is not a price with the decimal separator '.'",
    ]
    assert report.repeated == 3
    assert [(one.id, one.places) for one in report.duplicates] == [
        ("1", (f"{first}:1", f"{second}:2", f"{second}:3")),
        ("2", (f"{first}:2", f"{second}:1")),
    ]
    assert report.languages == {"en": 4, "de": 2}
    assert (report.categories, report.paths) == ({"Kitchen": 5}, 1)
    assert report.filled["price"] == 5
    prices = report.prices["EUR"]
    assert (prices.products, prices.lowest, prices.median, prices.highest) == (5, 10, 29.9, 29.9)
    # "Kettle. Kitchen Kettles. Boils water. …" five times, "Mug" once.
    assert (report.texts.longest, report.texts.cut) == (
        len("Kettle. Kitchen Kettles. ") + 20 * 13 - 2,
        5,
    )


def test_a_source_that_ends_in_the_middle_is_not_the_end(tmp_path: Path) -> None:
    broken = tmp_path / "a.csv.gz"
    rows = "".join(f"{n},Mug {n}\n" for n in range(50_000)).encode()
    broken.write_bytes(gzip.compress(b"id,title\n" + rows)[:-20_000])
    other = feed(tmp_path, GOOD | {"id": "other"}, name="b.jsonl")
    report = check_feed(Settings(), [Source(str(broken), "csv"), Source(other, "jsonl")])
    assert 1 < report.rows == report.products < 50_000
    assert report.languages["en"] >= 1  # of the other file
    (message,) = report.unreadable
    assert message.startswith(f"{broken}: ")


def test_versions_are_checked_where_they_are_mapped(tmp_path: Path) -> None:
    path = feed(tmp_path, GOOD | {"changed": "soon"})
    settings = Settings(ingest=IngestSettings(fields={"version": "changed"}))
    assert check_feed(settings, [Source(path, "jsonl")]).problems[0].field == "version"


def test_ids_of_a_long_feed() -> None:
    with SeenIds() as seen:
        for number in range(25_000):
            seen.add(str(number % 24_990), f"a:{number}")
        repeated, duplicates = seen.duplicates()
    assert repeated == 10
    assert [one.id for one in duplicates] == ["0", "1", "2", "3", "4"]
    assert duplicates[0].places == ("a:0", "a:24990")


# The index


@pytest.fixture
def settings(node: EmbeddedNode, index_name: str) -> Settings:
    return Settings(
        elasticsearch=ElasticsearchSettings(url=node.url), index=IndexSettings(name=index_name)
    )


def test_the_index_is_compared_with_the_settings(settings: Settings, es: Elasticsearch) -> None:
    def but(**changes: Any) -> Settings:
        return settings.model_copy(update=changes)

    assert check_target(settings).state == "absent"
    with EmbeddingServer() as server:
        served = but(embedding=EmbeddingSettings(base_url=server.url, model="m"))
        embedder = open_embedder(served.embedding)
        create_index(es, served, embedder)
        embedder.close()
        asked = len(server.requests)
        assert check_target(served).message == "fits: 64 dims of m"
        other = EmbeddingSettings(base_url=server.url, model="another", dims=32)
        conflict = check_target(but(embedding=other))
        assert conflict.state == "conflict"
        assert "made with model 'm', dims 64, but the configured embedder has" in conflict.message
        assert len(server.requests) == asked  # not one embedding call
    template = check_target(
        served.model_copy(update={"ingest": IngestSettings(text_template=("title",))})
    )
    assert "text_template" in template.message
    embedded = check_target(settings)
    assert "universal-sentence-encoder" in embedded.message
    away = check_target(but(elasticsearch=ElasticsearchSettings(url="http://127.0.0.1:1")))
    assert away.state == "unknown"
    assert away.message.startswith("cannot be checked: http://127.0.0.1:1: ")


def test_an_index_without_a_passport(settings: Settings, es: Elasticsearch) -> None:
    es.indices.create(index=settings.index.name)
    found = check_target(settings)
    assert found.state == "conflict"
    assert "the index has no es-hybrid passport" in found.message


# The command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["ingest", "check", *arguments, "--url", "http://127.0.0.1:1"])


def test_what_it_prints_and_its_exit_status(tmp_path: Path) -> None:
    good = feed(tmp_path, GOOD)
    fine = run(good)
    assert fine.exit_code == 0
    assert fine.stdout.startswith("1 rows: 1 fine, 0 would be rejected\nids        no duplicates")
    assert "prices     EUR 29.90 to 29.90, median 29.90 (1)" in fine.stdout
    assert "index      products cannot be checked: http://127.0.0.1:1: " in fine.stdout
    bad = feed(tmp_path, GOOD, GOOD, {"nr": "2"}, name="b.jsonl")
    mended = run(bad)
    assert mended.exit_code == 1
    assert (
        f"        1  title: give every product a title\n             {bad}:3 field=title: missing\n"
    ) in mended.stdout
    assert f"1 at {bad}:1, {bad}:2" in mended.stdout
    assert run(good, "--map", "price=none").exit_code == 0
    assert run(feed(tmp_path, {"nr": "2"}, name="c.jsonl")).exit_code == 2
    assert run(str(tmp_path / "none.jsonl")).exit_code == 2
    assert run(good, "--map", "prise=x").exit_code == 2


def test_json(tmp_path: Path) -> None:
    result = run(feed(tmp_path, GOOD, {"id": "2"}), "--json")
    assert result.exit_code == 1
    body = json.loads(result.stdout)
    assert (body["rows"], body["products"], body["index"]["state"]) == (2, 1, "unknown")
    assert body["problems"][0]["field"] == "title"
