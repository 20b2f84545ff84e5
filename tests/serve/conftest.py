"""The server in front of the node that the live tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from es_hybrid.node import EmbeddedNode
from tests.serve.parts import LengthReranker, SeededEmbedder
from tests.serve.running import serving


@pytest.fixture(scope="session")
def served(node: EmbeddedNode) -> Iterator[str]:
    """Its url."""
    with serving(node.url, embedder=SeededEmbedder(), reranker=LengthReranker()) as url:
        yield url
