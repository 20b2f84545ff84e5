"""Every hit of a search, page by page, from one state of the index."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch, NotFoundError

from es_hybrid.errors import PointInTimeLost

_Request = Callable[[], Any]


def read_hits(
    client: Elasticsearch,
    index: str,
    *,
    size: int,
    keep_alive: str = "5m",
    ask: Callable[[_Request], Any] = lambda request: request(),
    close: Callable[[str], object] | None = None,
    **body: Any,
) -> Iterator[dict[str, Any]]:
    """Read through a point in time. A lost shard is an error: its hits must not seem absent.

    Args:
        size: Hits per page.
        keep_alive: Longest time a caller takes for one page.
        ask: Sends a request, e.g. again after an outage.
        close: Releases the point in time; the default uses `client` and ignores failures.
        body: Parameters of `client.search`; sorted by shard and document unless `sort` is given.

    Raises:
        PointInTimeLost: the index cannot be read further.
    """

    def page() -> Any:
        try:
            return client.search(
                pit={"id": pit, "keep_alive": keep_alive},
                size=size,
                search_after=after,
                track_total_hits=False,
                allow_partial_search_results=False,
                **{"sort": ["_shard_doc"], **body},
            )
        except NotFoundError:
            raise PointInTimeLost(
                "its point in time is gone: the index was deleted, a node restarted, or one page "
                f"took longer than {keep_alive}",
                place=f"index {index}",
                remedy="run the command again",
            ) from None

    after: list[Any] | None = None
    pit = ask(lambda: client.open_point_in_time(index=index, keep_alive=keep_alive))["id"]
    try:
        while hits := (answer := ask(page))["hits"]["hits"]:
            pit, after = answer["pit_id"], hits[-1]["sort"]
            yield from hits
    finally:
        if close is not None:
            close(pit)
        else:
            with contextlib.suppress(ApiError, TransportError):
                client.close_point_in_time(id=pit)
