"""A data stream of events on the shared node, and a shop that writes to it."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.events import recorder
from es_hybrid.settings import EventsSettings
from tests.ingest.conftest import Shop, open_shop
from tests.pauses import wait_until

__all__ = ["open_shop"]

OpenShop = Callable[..., Shop]
ROWS = [
    {"id": "1", "title": "Red kettle", "brand": "Alba", "lang": "en"},
    {"id": "2", "title": "Red kettle of glass", "brand": "Alba", "lang": "en"},
    {"id": "3", "title": "Blue lamp", "brand": "Bora", "lang": "en"},
]
_TEMPLATE = json.loads(files("mappings").joinpath("events.json").read_text("utf-8"))


def mapped_fields(properties: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The full names of a mapping's fields."""
    for name, field in properties.items():
        if "properties" in field:
            yield from mapped_fields(field["properties"], f"{before}{name}.")
        else:
            yield before + name


FIELDS = frozenset(mapped_fields(_TEMPLATE["template"]["mappings"]["properties"]))


def fields_of(event: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The full names of an event's fields."""
    for name, value in event.items():
        if isinstance(value, Mapping):
            yield from fields_of(value, f"{before}{name}.")
        else:
            yield before + name


@dataclass(frozen=True)
class Stream:
    """A data stream, each test's own: the embedded node has no API that deletes one."""

    es: Elasticsearch
    name: str

    def events(self, dataset: str, count: int) -> list[dict[str, Any]]:
        """The events of a dataset, oldest first, once there are this many.

        The mapping has all their fields: it is not dynamic, so it would hide others.
        """

        def found() -> list[dict[str, Any]]:
            if not self.es.indices.exists(index=self.name):
                return []
            self.es.indices.refresh(index=self.name)
            query = {"term": {"event.dataset": f"es_hybrid.{dataset}"}}
            answer = self.es.search(index=self.name, size=1000, query=query, sort="@timestamp")
            return [hit["_source"] for hit in answer["hits"]["hits"]]

        wait_until(lambda: len(found()) >= count)
        events = found()
        assert len(events) == count
        for event in events:
            assert {field for field in fields_of(event) if field not in FIELDS} == set()
        return events

    def settings(self, **more: Any) -> EventsSettings:
        return EventsSettings(**{"enabled": True, "stream": self.name, "query_text": "none"} | more)

    def shop(
        self, open_shop: OpenShop, *, events: dict[str, Any] | None = None, **more: Any
    ) -> Shop:
        """A shop that writes events."""
        shop = open_shop(**more)
        shop.settings = shop.settings.model_copy(update={"events": self.settings(**events or {})})
        shop.with_settings("rerank", enabled=False)
        shop.with_settings("search", timeout_ms=0)
        return shop


@pytest.fixture
def stream(es: Elasticsearch, monkeypatch: pytest.MonkeyPatch) -> Stream:
    monkeypatch.setattr(recorder, "_GATHER", 0.05)
    return Stream(es, f"es-hybrid-events-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()
