"""Fixtures of the reliability tests."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from es_hybrid.errors import MissingExtra
from es_hybrid.node import EmbeddedNode
from tests.ingest.conftest import open_shop

__all__ = ["fragile_node", "open_shop"]

# Low enough that eight threads of a bulk writer overload the node with too large requests.
LIMITS = {"indexing_pressure.memory.limit": "1mb", "http.max_content_length": "700kb"}


@pytest.fixture(scope="session")
def fragile_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedNode]:
    """A node with small limits that a test may kill; a restart keeps its port and its data."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data: Path = tmp_path_factory.mktemp("fragile")
    node = EmbeddedNode(data, port=port, heap="512m", settings=LIMITS)
    try:
        node.start()
    except MissingExtra as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    yield node
    node.stop()
