"""Lazy stages: batches of a stream, and a function over a stream in a few threads.

Each stage pulls from the one before it and runs ahead by a small window only, so memory stays
bounded however long the source is. After an `EsHybridError` from upstream or from the function, no
more items are taken; items in progress are still yielded, and then the error is raised. Finished
work, such as an embedded text, is not lost because of a later row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from itertools import islice
from typing import TypeVar

from es_hybrid.errors import EsHybridError

T = TypeVar("T")
R = TypeVar("R")


def batches(items: Iterable[T], *, count: int) -> Iterator[list[T]]:
    """Cut a stream into lists of at most `count` items."""
    errors: list[EsHybridError] = []
    stream = _until_error(items, errors)
    while batch := list(islice(stream, count)):
        yield batch
    if errors:
        raise errors[0]


def concurrently(
    function: Callable[[T], R], items: Iterable[T], *, threads: int, name: str
) -> Iterator[R]:
    """`function(item)` of each item as it is done, with at most `2 * threads` in progress.

    Not in the order of the items: a slow item must not leave the other threads idle.

    Args:
        name: Name prefix of the threads.
    """
    errors: list[EsHybridError] = []
    in_progress: set[Future[R]] = set()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for item in _until_error(items, errors):
                in_progress.add(pool.submit(function, item))
                full = len(in_progress) >= 2 * threads
                done, in_progress = wait(in_progress, None if full else 0, FIRST_COMPLETED)
                for future in done:
                    yield from _result(future, errors)
                if errors:
                    break
            for future in as_completed(in_progress):
                yield from _result(future, errors)
        finally:
            for future in in_progress:
                future.cancel()
    if errors:
        raise errors[0]


def _until_error(items: Iterable[T], errors: list[EsHybridError]) -> Iterator[T]:
    """The items before an error; the error is kept for later."""
    try:
        yield from items
    except EsHybridError as error:
        errors.append(error)


def _result(future: Future[R], errors: list[EsHybridError]) -> Iterator[R]:
    """The result of a future, or nothing if it failed; the error is kept for later."""
    try:
        result = future.result()
    except EsHybridError as error:
        errors.append(error)
        return
    yield result
