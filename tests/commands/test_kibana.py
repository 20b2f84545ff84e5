"""`es-hybrid kibana` as a user types it, against a server that answers as Kibana does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.fakes.http import dead_url
from tests.fakes.kibana import KibanaServer
from tests.kibana.saved_objects import DataView, read_ndjson


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("es-hybrid.toml").write_text(f'[elasticsearch]\nurl = "{dead_url()}"\n')


@pytest.fixture
def kibana() -> Iterator[KibanaServer]:
    with KibanaServer() as server:
        yield server


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["kibana", *arguments])


def test_export_to_a_file_and_to_standard_output() -> None:
    assert run("export", "objects.ndjson").exit_code == 0
    result = run("export")
    assert result.exit_code == 0
    assert result.stdout_bytes == Path("objects.ndjson").read_bytes()
    assert len(read_ndjson(result.stdout_bytes)) == 10
    assert result.stderr.startswith("note: fields are named as in es-hybrid's own mapping, because")


def test_export_with_the_fields_of_a_shops_index(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    text = {"type": "text", "fields": {"raw": {"type": "keyword"}}}
    es.indices.create(
        index=index_name,
        mappings={"properties": {"name": {"type": "text"}, "maker": text}},
    )
    Path("es-hybrid.toml").write_text(
        f'[elasticsearch]\nurl = "{node.url}"\n[ingest.fields]\ntitle = "name"\nbrand = "maker"\n'
    )
    applied = CliRunner().invoke(main, ["index", "apply", index_name])
    assert applied.exit_code == 0, applied.output
    result = run("export", "--index", index_name, "--pairs-index", "pairs-*")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    views = {each.id: each for each in read_ndjson(result.stdout_bytes) if
             isinstance(each, DataView)}  # fmt: skip
    assert views["es-hybrid-products"].attributes.title == index_name
    assert views["es-hybrid-pairs"].attributes.title == "pairs-*"
    assert '"sourceField\\": \\"maker.raw\\"' in result.stdout
    assert "Languages" not in result.stdout


def test_install_lists_what_it_installed(kibana: KibanaServer) -> None:
    result = run("install", "--url", kibana.url, "--space", "shop")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "installed  index-pattern  es-hybrid: products"
    assert lines[-1] == "installed  dashboard      es-hybrid: alignment"
    assert len(kibana.objects["shop"]) == len(lines) == 10


def test_install_reports_each_refused_object(kibana: KibanaServer) -> None:
    kibana.conflicts.add(("dashboard", "es-hybrid-loads"))
    result = run("install", "--url", kibana.url)
    assert result.exit_code == 2
    assert "refused    dashboard      es-hybrid: loads: other objects have its id" in result.stdout
    assert "Kibana 9.5.3 refused 1 objects, listed above" in result.stderr


def test_install_without_kibana_names_the_url() -> None:
    url = dead_url()
    result = run("install", "--url", url)
    assert result.exit_code == 2
    assert f"error: {url}/api/status: Kibana cannot be reached" in result.stderr
