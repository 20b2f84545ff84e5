"""Takes events, and has them written in the background."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from es_hybrid.background import BackgroundWriter, Count
from es_hybrid.cleaning import clean_query
from es_hybrid.errors import EsHybridError
from es_hybrid.events.documents import Asked, Event, search_event
from es_hybrid.events.stream import EventStream
from es_hybrid.retrieval.request import MAX_QUERY_CHARS, SearchRequest
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.secrets import keyed_hash
from es_hybrid.settings import EventsSettings, Settings

logger = logging.getLogger(__name__)

# Bytes that wait for the cluster at most, some 8,000 events, and seconds to gather them.
MAX_WAITING = 8 * 1024 * 1024
_GATHER = 5.0


class Recorder:
    """Records events. Safe to use from several threads; never raises, and never waits.

    Args:
        count: Called with the number of events that were written or dropped.
    """

    def __init__(self, settings: Settings, count: Count) -> None:
        self._settings = settings.events
        self._count = count
        self._stream = EventStream(settings)
        self._writer = BackgroundWriter(
            self._stream.write, count, name="es-hybrid-events", room=MAX_WAITING, gather=_GATHER
        )

    def draws(self) -> bool:
        """Whether the next search is one of the sample."""
        return random.random() < self._settings.sample

    @contextmanager
    def search(
        self, asked: Asked, *, index: str
    ) -> Iterator[Callable[[Retrieved, Mapping[str, float]], None]]:
        """Record the search in the block: what is found, or the error that leaves the block."""
        started = time.monotonic()

        def record(found: Retrieved | EsHybridError, timings: Mapping[str, float]) -> None:
            self.add(
                lambda: search_event(
                    asked, found, timings, index=index, facts=search_facts(asked, self._settings)
                )
            )

        try:
            yield record
        except EsHybridError as error:
            record(error, {"total": 1000 * (time.monotonic() - started)})
            raise

    def add(self, event: Callable[[], Event]) -> None:
        """Record what `event` makes; nothing if that fails."""
        try:
            self._writer.add(orjson.dumps(event()))
        except Exception as error:
            known = isinstance(error, EsHybridError)
            logger.warning("an event is dropped: %s", error, exc_info=not known)
            self._count("dropped", 1)

    def close(self) -> None:
        """Write what waits, for at most five seconds."""
        self._writer.close()
        self._stream.close()


def search_facts(asked: Asked, settings: EventsSettings) -> dict[str, Any]:
    """What a search's event says about the query, and the share that is recorded.

    A body of `_search` has a query only in `ext.es_hybrid`.
    """
    facts: dict[str, Any] = {"sample": settings.sample}
    match asked:
        case SearchRequest():
            words = asked.words
        case {"ext": {"es_hybrid": {"text": str(text)}}}:
            words = clean_query(text)[:MAX_QUERY_CHARS]
        case _:
            words = ""
    if not words or settings.query_text == "none":
        return facts
    words = words.lower()
    if settings.query_text == "plain":
        return {**facts, "query": words}
    assert settings.hash_key is not None
    return {**facts, "query_hash": keyed_hash(words, settings.hash_key.get_secret_value())}
