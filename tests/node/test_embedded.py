"""A real node as a context manager: what it runs, how it fails, and what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch, RequestError

from es_hybrid.errors import MissingExtra, NodeError
from es_hybrid.node import EmbeddedNode
from es_hybrid.node.launch import NodeOptions, launch
from es_hybrid.node.probe import ask, describe_contents, why_not_green
from es_hybrid.node.state import is_locked, running_node
from tests.pauses import wait_until

# A program with a node. It prints the data folder before the node starts, and the URL afterwards.
SCRIPT = """
import sys, time
from pathlib import Path
from es_hybrid.node import EmbeddedNode
node = EmbeddedNode(heap="256m")
print(node.log_path.parent, flush=True)
with node:
    try:
        print(node.url, flush=True)
        time.sleep(120)
    except KeyboardInterrupt:
        sys.exit(3)
"""


def port_of(node: EmbeddedNode) -> int:
    return int(node.url.rpartition(":")[2])


def test_the_node_is_elasticsearch_on_loopback_alone(node: EmbeddedNode, es: Elasticsearch) -> None:
    (info,) = es.nodes.info()["nodes"].values()
    assert info["version"] == "9.5.3"
    assert info["http"]["bound_address"] == [f"127.0.0.1:{port_of(node)}"]
    assert info["transport"]["bound_address"][0].startswith("127.0.0.1:")
    assert [module["name"] for module in info["modules"]] == ["transport-netty4"]
    assert [plugin["name"] for plugin in info["plugins"]] == ["es-hybrid"]


def test_a_wildcard_deletes_nothing(es: Elasticsearch, index_name: str) -> None:
    es.indices.create(index=index_name)
    with pytest.raises(RequestError, match="Wildcard expressions"):
        es.indices.delete(index="test-*")
    assert es.indices.exists(index=index_name)


def test_what_is_indexed_is_found(es: Elasticsearch, index_name: str) -> None:
    vector = {"type": "dense_vector", "dims": 3, "similarity": "cosine"}
    es.indices.create(index=index_name, mappings={"properties": {"v": vector}})
    es.index(index=index_name, id="1", document={"title": "red shoes", "v": [1, 0, 0]})
    es.index(index=index_name, id="2", document={"title": "blue hat", "v": [0, 1, 0]}, refresh=True)
    words = es.search(index=index_name, query={"match": {"title": "shoes"}})
    near = es.search(
        index=index_name,
        knn={"field": "v", "query_vector": [0, 1, 0.1], "k": 1, "num_candidates": 2},
    )
    assert [hit["_id"] for hit in words["hits"]["hits"]] == ["1"]
    assert [hit["_id"] for hit in near["hits"]["hits"]] == ["2"]


def test_health_says_what_is_missing(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    port = port_of(node)
    es.indices.create(index=f"{index_name}-a", settings={"number_of_replicas": 1})
    assert why_not_green(port) == "yellow: 1 replica shards need a second node"
    es.indices.create(
        index=f"{index_name}-b",
        settings={"number_of_replicas": 0, "routing.allocation.require._name": "nobody"},
        wait_for_active_shards=0,
    )
    assert why_not_green(port) == (
        f"red: no primary for {index_name}-b[0] is UNASSIGNED (INDEX_CREATED)"
    )


def test_contents_counts_documents_not_their_nested_parts(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    def documents() -> int:
        contents = describe_contents(port_of(node), node.log_path.parent)
        found = re.match(r"([\d,]+) documents, [\d,]+\.\d MB; ", contents)
        assert found, contents
        return int(found[1].replace(",", ""))

    before = documents()  # other tests' indices
    es.indices.create(index=index_name, mappings={"properties": {"parts": {"type": "nested"}}})
    es.index(index=index_name, document={"parts": [{"n": 1}, {"n": 2}]}, refresh=True)
    assert documents() == before + 1


def test_a_second_node_on_the_same_data_is_refused_before_it_starts(
    node: EmbeddedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(subprocess, "Popen")
    with pytest.raises(NodeError, match=rf"another node runs.*{node.pid}, {node.url}"):
        launch(NodeOptions(data=node.log_path.parent))
    assert ask(port_of(node), "/_cluster/health")["status"]


def test_a_taken_port_is_named_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(NodeError, match=rf"port {port} cannot be used.*--port"):
            EmbeddedNode(tmp_path, port=port).start()
    assert not is_locked(tmp_path)


@pytest.mark.parametrize("heap", ["1", "1x", "0g", "g", "1.5g", "1g -version", ""])
def test_a_heap_that_is_no_size_is_refused(tmp_path: Path, heap: str) -> None:
    with pytest.raises(NodeError, match="is not a size; write it as 512m"):
        EmbeddedNode(tmp_path, heap=heap)


def test_a_data_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NodeError, match="cannot be created") as caught:
        EmbeddedNode(tmp_path / "file").start()
    assert caught.value.place == str(tmp_path / "file")


def test_without_jpype_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jpype", None)
    with pytest.raises(MissingExtra, match=r'pip install "es-hybrid\[local\]"'):
        EmbeddedNode(tmp_path).start()


def test_a_node_that_is_not_started_has_no_url(tmp_path: Path) -> None:
    with pytest.raises(NodeError, match="not running"):
        _ = EmbeddedNode(tmp_path).url


def test_a_node_that_dies_at_start_shows_why(node: EmbeddedNode, tmp_path: Path) -> None:
    with pytest.raises(NodeError) as caught, EmbeddedNode(tmp_path, settings={"no.such": "1"}):
        pytest.fail("it started")
    message = str(caught.value)
    assert "died while starting (exit status 1); its last log lines:" in message
    assert (
        "Elasticsearch did not start: IllegalArgumentException: unknown setting [no.such]"
        in (message.splitlines()[-1])
    )
    assert "\tat " not in message
    assert not is_locked(tmp_path)


def test_a_machine_that_cannot_start_shows_why(node: EmbeddedNode, tmp_path: Path) -> None:
    with pytest.raises(NodeError, match=r"(?s)died while starting.*Could not reserve enough space"):
        EmbeddedNode(tmp_path, heap="99999999g").start()
    assert not is_locked(tmp_path)


@pytest.fixture
def script() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The script's process in its own process group, and the data folder of its node."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_ctrl_c_ends_the_node_with_the_block(
    node: EmbeddedNode, script: tuple[subprocess.Popen[str], Path]
) -> None:
    process, data = script
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    assert running_node(data)
    os.killpg(process.pid, signal.SIGINT)  # as the terminal sends it
    assert process.wait(60) == 3
    assert not is_locked(data)
    assert not data.exists()


def test_killing_the_parent_of_a_running_node_leaves_neither_process_nor_folder(
    node: EmbeddedNode, script: tuple[subprocess.Popen[str], Path]
) -> None:
    process, data = script
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.kill()
    wait_until(lambda: not is_locked(data))
    wait_until(lambda: not data.exists())


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_a_parent_that_dies_while_the_node_starts_leaves_no_process(
    node: EmbeddedNode, script: tuple[subprocess.Popen[str], Path], signum: signal.Signals
) -> None:
    process, data = script
    # The JVM prints these options, which tests/conftest.py sets, when it starts.
    log = data / "node.log"
    wait_until(lambda: log.exists() and "JAVA_TOOL_OPTIONS" in log.read_text())
    assert is_locked(data)
    assert running_node(data) is None
    process.send_signal(signum)
    wait_until(lambda: not is_locked(data))
    wait_until(lambda: not data.exists())
