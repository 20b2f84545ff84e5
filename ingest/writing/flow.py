"""Lazy stages: batches of a stream, and a function over a stream in a few threads.

Everything is pulled from the end, so no stage runs further ahead than its own small window, and
memory stays bounded however long the source is. An `EsHybridError` from upstream or from the
function stops the intake; what is under way is still handed on, and only then is it raised. So
work that was paid for (an embedded text) is not thrown away because a later row went wrong.
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
from typing import TypeVar

from es_hybrid.errors import EsHybridError

T = TypeVar("T")
R = TypeVar("R")


def batches(
    items: Iterable[T],
    *,
    count: int,
    limit: int | None = None,
    weight: Callable[[T], int] = lambda _: 1,
) -> Iterator[list[T]]:
    """Cut a stream into lists of at most `count` items that together weigh at most `limit`.

    One item that alone weighs more than `limit` is a batch of its own.
    """
    errors: list[EsHybridError] = []
    batch: list[T] = []
    total = 0
    for item in _until_error(items, errors):
        heft = weight(item)
        if batch and (len(batch) == count or (limit is not None and total + heft > limit)):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += heft
    if batch:
        yield batch
    if errors:
        raise errors[0]


def concurrently(
    function: Callable[[T], R], items: Iterable[T], *, threads: int, name: str
) -> Iterator[R]:
    """`function(item)` of each item, as they are done, at most `2 * threads` under way.

    Not in the items' order: waiting for a slow one would leave the other threads without work.

    Args:
        name: What the threads are called in a debugger.
    """
    errors: list[EsHybridError] = []
    under_way: set[Future[R]] = set()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for item in _until_error(items, errors):
                under_way.add(pool.submit(function, item))
                full = len(under_way) >= 2 * threads
                done, under_way = wait(under_way, None if full else 0, FIRST_COMPLETED)
                for future in done:
                    yield from _result(future, errors)
                if errors:
                    break
            for future in as_completed(under_way):
                yield from _result(future, errors)
        finally:
            for future in under_way:
                future.cancel()
    if errors:
        raise errors[0]


def _until_error(items: Iterable[T], errors: list[EsHybridError]) -> Iterator[T]:
    """The items up to an error, which is kept for later."""
    try:
        yield from items
    except EsHybridError as error:
        errors.append(error)


def _result(future: Future[R], errors: list[EsHybridError]) -> Iterator[R]:
    """The one result of a future, or none and its error kept for later."""
    try:
        result = future.result()
    except EsHybridError as error:
        errors.append(error)
        return
    yield result
