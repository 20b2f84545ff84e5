"""A cluster that refuses an index in a body, so that a proxy can decide by the path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from tests.align.catalogue import groups, run, write
from tests.serve.live import LINES, OWN_QUERY, RRF, msearch_lines
from tests.serve.running import ask, serving

INDEX = "products"
ROWS = groups(4)
QUERY = ROWS[0]["title"]


@pytest.fixture(scope="module")
def hardened() -> Iterator[EmbeddedNode]:
    settings = {"rest.action.multi.allow_explicit_index": "false"}
    with EmbeddedNode(heap="512m", settings=settings) as node:
        yield node


@pytest.fixture(scope="module")
def at(hardened: EmbeddedNode, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Flags of a command that uses the loaded index."""
    flags = ("--url", hardened.url, "--index", INDEX)
    file = write(tmp_path_factory.mktemp("hardened") / "products.jsonl", ROWS)
    result = run("ingest", "load", file, *flags)
    assert result.exit_code == 0, result.output
    return flags


@pytest.fixture(scope="module")
def settings(hardened: EmbeddedNode, at: tuple[str, ...]) -> Settings:
    return load_settings(
        flags={
            "elasticsearch": {"url": hardened.url},
            "index": {"name": INDEX},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
        }
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"facets": ["brand"]}, {"sort": ["price"]}, {"collapse": "brand"}, {"mode": "bm25"}],
)
def test_a_shop_s_search(settings: Settings, options: dict[str, Any]) -> None:
    with HybridSearch.open(settings) as shop:
        assert shop.search(QUERY, **options).hits


def test_a_server_in_front(
    hardened: EmbeddedNode, at: tuple[str, ...], embedder: LocalEmbedder
) -> None:
    index = {"name": INDEX}
    with serving(hardened.url, embedder=embedder, index=index, rerank={"enabled": False}) as url:
        for target, body in (
            ("/search", {"text": QUERY, "facets": ["brand"]}),
            (f"/{INDEX}/_search", OWN_QUERY),
            (f"/{INDEX}/_search", {"retriever": RRF}),
            # By way of a point in time.
            (f"/{INDEX}/_search", {"retriever": RRF, "collapse": {"field": "brand"}}),
        ):
            assert ask(url, target, method="POST", body=body).status == 200, body
        lines = msearch_lines({}, {"retriever": RRF}, {}, OWN_QUERY)
        got = ask(url, f"/{INDEX}/_msearch", method="POST", body=lines, headers=LINES)
        assert [each["status"] for each in got.json()["responses"]] == [200, 200]


@pytest.mark.parametrize("name", ["index", "indices"])
def test_a_header_does_not_get_round_the_path(
    hardened: EmbeddedNode, at: tuple[str, ...], embedder: LocalEmbedder, name: str
) -> None:
    with serving(hardened.url, embedder=embedder, rerank={"enabled": False}) as url:
        lines = msearch_lines({name: INDEX}, {"retriever": RRF})
        got = ask(url, "/other/_msearch", method="POST", body=lines, headers=LINES)
    assert got.status == 400
    assert got.json()["error"]["reason"] == "explicit index in multi search is not allowed"


def test_an_alignment(at: tuple[str, ...], tmp_path: Path) -> None:
    result = run("align", "run", INDEX, "--store", tmp_path / "store.sqlite", *at)
    assert result.exit_code == 0, result.output
