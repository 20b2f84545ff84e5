"""The documents of another Elasticsearch index, read through a point in time.

`es://INDEX` is an index of the configured cluster, `es+https://host:9200/INDEX` of another one.
The configured credentials are sent to the configured cluster only; another one gets
`ingest.source_api_key`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch

from es_hybrid.client import connect, resolve_url, translated
from es_hybrid.errors import ElasticsearchError, PointInTimeLost, SourceError
from es_hybrid.index.pages import read_hits
from es_hybrid.settings import ElasticsearchSettings, Settings
from ingest.sources.source import Row, place_of

_PAGE_HITS = 1000
# Renewed with every page. A page lasts as long as its rows take to embed, plus any outages.
_KEEP_ALIVE = "60m"


def read_documents(
    path: str, *, wanted: Sequence[str] = (), settings: Settings | None = None
) -> Generator[Row, None, None]:
    """The documents as rows, whose `id` is the document's own field, else its `_id`.

    A row also has `_id`, so that `--map id=_id` always uses it. Categories stored as every prefix
    of a path, as es-hybrid writes them, are returned as the path. Vectors are not read.

    Args:
        wanted: Fields of `_source` to read; empty reads all.

    Raises:
        SourceError: no such index, or it has no documents.
        ElasticsearchError: the cluster cannot be reached, or refuses the request.
    """
    settings = settings or Settings()
    cluster, index = _target(path, settings)
    place = place_of(path)
    with translated(place), closing(connect(cluster)) as client:
        vectors = _vector_fields(client, index, place)
        hits = read_hits(
            client,
            index,
            size=_PAGE_HITS,
            keep_alive=_KEEP_ALIVE,
            close=partial(_close, cluster),
            source={"excludes": vectors, "includes": list(wanted) or ["*"]},
        )
        empty = True
        try:
            for hit in hits:
                empty = False
                yield _row(hit, place)
        except PointInTimeLost as lost:
            raise SourceError(
                lost.message,
                place=place,
                remedy="load the index again: rows that are already stored cost little",
            ) from None
    if empty:
        raise SourceError("the index has no documents", place=place, remedy="name another index")


def _row(hit: Mapping[str, Any], place: str) -> Row:
    identity = str(hit["_id"])
    source = {name: value for name, value in hit["_source"].items() if value is not None}
    if "category" in source:
        source["category"] = _path(source["category"])
    # An index has no lines; the id finds the document again.
    return Row(f"{place}/{identity}", {"id": identity} | source | {"_id": identity})


def _path(category: Any) -> Any:
    """`["A", "A > B"]` -> `["A", "B"]`; anything else unchanged."""
    if not isinstance(category, list) or not all(isinstance(path, str) for path in category):
        return category
    if not all(longer.startswith(f"{path} > ") for path, longer in pairwise(category)):
        return category
    return category[-1].split(" > ") if category else category


def _close(cluster: ElasticsearchSettings, pit: str) -> None:
    """Close the point in time with a new client; failures are ignored, because it expires.

    An abandoned iterator may end here after the garbage collector has emptied the connection pool
    of the first client, which would then wait forever.
    """
    with (
        contextlib.suppress(ElasticsearchError),
        translated("point in time"),
        closing(connect(cluster)) as client,
    ):
        client.options(request_timeout=5, max_retries=0).close_point_in_time(id=pit)


def _vector_fields(client: Elasticsearch, index: str, place: str) -> list[str]:
    answer = client.options(ignore_status=404).indices.get_mapping(index=index)
    if answer.meta.status == 404:
        raise SourceError(
            "no such index", place=place, remedy="check the name and your permissions"
        )
    mappings = [entry["mappings"].get("properties", {}) for entry in answer.body.values()]
    return sorted(
        {
            name
            for fields in mappings
            for name, options in fields.items()
            if options.get("type") == "dense_vector"
        }
    )


def _target(path: str, settings: Settings) -> tuple[ElasticsearchSettings, str]:
    """The cluster, with its own credentials, and the index."""
    own = settings.elasticsearch
    url = urlsplit(path)
    if url.scheme == "es":
        cluster, index = own, url.netloc + url.path
    else:
        origin = f"{url.scheme.removeprefix('es+')}://{url.netloc}"
        cluster, index = _cluster(origin, settings), url.path.strip("/")
    if not index or "/" in index:
        raise SourceError(
            "the URL names no index",
            place=place_of(path),
            remedy="write es://INDEX, or es+https://host:9200/INDEX",
        )
    return cluster, index


def _cluster(origin: str, settings: Settings) -> ElasticsearchSettings:
    if "@" in origin:
        raise SourceError(
            "every user of the machine can read a password in a URL from the process list",
            place=place_of(origin),
            remedy="set ingest.source_api_key, as ES_HYBRID_INGEST__SOURCE_API_KEY",
        )
    own = settings.elasticsearch
    if _origin(origin) == _origin(resolve_url(own)):
        return own
    return ElasticsearchSettings(
        url=origin,
        api_key=settings.ingest.source_api_key,
        ca_certs=own.ca_certs,
        timeout=own.timeout,
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
