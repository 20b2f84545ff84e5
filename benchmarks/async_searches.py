"""Searches with `AsyncHybridSearch`, as many at a time as asked; run as a separate process.

    python -m benchmarks.async_searches URL CONNECTIONS SECONDS < bodies.jsonl

Each line is the body of a search. Prints the milliseconds of each as a JSON list.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from benchmarks.search import without_reranker
from benchmarks.serve import INDEX
from es_hybrid.garbage import collect_rarely
from es_hybrid.search import AsyncHybridSearch


async def search(
    url: str, connections: int, seconds: float, bodies: Iterator[dict[str, Any]]
) -> list[float]:
    """Milliseconds of every search."""
    times: list[float] = []
    async with AsyncHybridSearch.open(without_reranker(url, INDEX)) as shop:
        # As `es-hybrid serve` does, and docs/performance.md recommends.
        collect_rarely()
        await shop.answer(next(bodies))
        until = time.perf_counter() + seconds

        async def keep_asking() -> None:
            while (started := time.perf_counter()) < until:
                await shop.answer(next(bodies))
                times.append((time.perf_counter() - started) * 1000)

        await asyncio.gather(*(keep_asking() for _ in range(connections)))
    return times


def main() -> None:
    """Read the bodies, search, print the times."""
    url, connections, seconds = sys.argv[1:]
    bodies = itertools.cycle([json.loads(line) for line in sys.stdin])
    print(json.dumps(uvloop.run(search(url, int(connections), float(seconds), bodies))))


if __name__ == "__main__":
    main()
