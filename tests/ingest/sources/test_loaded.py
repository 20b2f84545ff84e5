"""Sources loaded as a shop types it: everything in one command, then the index into another one."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer
from tests.ingest.shell import Shell


def row(number: int) -> str:
    return json.dumps({"id": f"p{number}", "title": f"Product {number}", "category": "A > B"})


def fill(folder: Path) -> None:
    feeds = folder / "feeds/deep"
    feeds.mkdir(parents=True)
    (feeds / "1.jsonl.gz").write_bytes(gzip.compress(f"{row(1)}\n{row(2)}\n".encode()))
    (feeds / "notes.txt").write_text("not a feed")
    with zipfile.ZipFile(feeds / "2.zip", "w") as archive:
        archive.writestr("3.csv", "id,title,category\np3,Product 3,A > B\n")
    (folder / "export.csv").write_text(
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n"
        "vest,Vest,Size,S,V-S,10\nvest,,,M,V-M,11\n"
    )


def test_folder_archive_export_and_standard_input_then_the_index_itself(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> None:
    fill(tmp_path)
    with EmbeddingServer() as server:
        shell = Shell.at(tmp_path, node.url, index_name, server)
        loaded = shell.run("ingest", "load", "feeds", "export.csv")
        piped = shell.run("ingest", "load", "-", "--format", "jsonl", stdin=row(4) + "\n")
        copied = shell.run("ingest", "load", f"es://{index_name}", "--index", f"{index_name}-copy")
    assert (loaded.returncode, piped.returncode, copied.returncode) == (0, 0, 0)
    assert "feeds: skipped deep/notes.txt: the name does not show the format" in loaded.stderr
    documents = [
        {hit["_id"]: hit["_source"] for hit in es.search(index=index, size=20)["hits"]["hits"]}
        for index in (index_name, f"{index_name}-copy")
    ]
    assert documents[0].keys() == {"p1", "p2", "p3", "p4", "vest/S", "vest/M"}
    assert documents[0]["vest/M"]["price"] == 11
    assert documents[0]["p3"]["category"] == ["A", "A > B"]
    assert documents[1] == documents[0]
