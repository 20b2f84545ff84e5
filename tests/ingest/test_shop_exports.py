"""Whole exports of shop platforms: mapped, checked and loaded without a hand-written option."""

from __future__ import annotations

from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer
from tests.ingest.shop_exports import EXPORTS, carried_through, made


@pytest.mark.parametrize("name", EXPORTS)
def test_no_row_is_lost(
    name: str, node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> None:
    path, truth = made(name, tmp_path, 150)
    with EmbeddingServer() as server:
        outcome = carried_through(
            path, url=node.url, index=index_name, embedding=server.url, client=es
        )
    assert "no mapping needed" in outcome.mapped
    tally, checked = outcome.tally, outcome.checked
    counted = (tally.rows, tally.skipped, tally.superseded, tally.rejected)
    assert counted == (truth.rows, truth.skipped, truth.repeated, truth.damaged)
    assert (
        checked["rows"], checked["skipped"], checked["repeated"],
        checked["rejected"],
    ) == counted  # fmt: skip
    assert outcome.documents == truth.documents
