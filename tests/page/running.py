"""The page on a free port of 127.0.0.1, in a thread of the test's process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from es_hybrid.page.library import Library
from es_hybrid.page.server import create_app
from tests.running import listening

_T = TypeVar("_T")


def run_apart(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run it in a thread of its own: Playwright's event loop runs in that of the tests."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@contextmanager
def showing(library: Library) -> Iterator[str]:
    """The URL of a library's page inside the block."""
    app, page = create_app(library)
    with listening(app) as url:
        yield url
        page.end()
