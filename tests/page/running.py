"""The page on a free port of 127.0.0.1, in a thread of the test's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from es_hybrid.page.library import Library
from es_hybrid.page.server import create_app
from tests.running import listening


@contextmanager
def showing(library: Library) -> Iterator[str]:
    """The URL of a library's page inside the block."""
    app, page = create_app(library)
    with listening(app) as url:
        yield url
        page.end()
