"""What `es-hybrid kibana` installs: data views, sessions of Discover, and dashboards."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

from es_hybrid.index.passport import HASH_FIELD, Passport
from es_hybrid.kibana.dashboards import dashboard, data_view_id
from es_hybrid.settings import Settings

SavedObject = dict[str, Any]

DASHBOARDS = ("catalogue", "search", "loads", "alignment")
# Lists and tables whose entries are left out if the index lacks a field that they name.
_OPTIONAL = ("panels", "columns", "formats")
# Product fields that a chart or Discover shows, and those of them that are counted by value.
_SHOWN = ("title", "brand", "category", "price", "currency", "lang", "sku")
_COUNTED = ("brand", "category", "lang")
_SEARCH_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names that `$name` in `mappings/kibana` is replaced by.

    Attributes:
        index: Index or alias of the products.
        events: The data stream of events.
        pairs: Index of the pairs of an alignment; a pattern may name several.
        fields: `vector`, `hash`, and the product fields that the index has. What needs a field that
            is missing here is left out.
    """

    index: str
    events: str
    pairs: str
    fields: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, *, pairs: str, passport: Passport | None) -> Names:
        """The names in the settings; those of a shop's own fields are in the index's passport."""
        fields = {name: name for name in _SHOWN}
        if passport and passport.shop:
            # Elasticsearch counts the values of a keyword, not of a text.
            keywords = dict(passport.shop.keywords)
            counted = {name: keywords.get(name, "") for name in _COUNTED}
            paths = {**dict(passport.shop.fields), **counted}
            fields = {name: paths[name] for name in _SHOWN if paths.get(name)}
        vector = passport.vector_field if passport else settings.index.vector_field
        hash_field = passport.hash_field if passport else HASH_FIELD
        return cls(
            index=settings.index.name,
            events=settings.events.stream,
            pairs=pairs,
            fields={**fields, "vector": vector, "hash": hash_field},
        )

    def fill(self, form: Any) -> Any:
        """Replace the names in every text, and leave out what needs a missing field.

        Raises:
            KeyError: `form` itself needs a missing field.
        """
        match form:
            case str():
                names = {"index": self.index, "events": self.events, "pairs": self.pairs}
                return Template(form).substitute({**self.fields, **names})
            case list():
                return [self.fill(each) for each in form]
            case Mapping():
                return {
                    key: self._possible(value) if key in _OPTIONAL else self.fill(value)
                    for key, value in form.items()
                }
        return form

    def _possible(self, form: Any) -> Any:
        """A list or table without the entries that need a missing field."""
        if isinstance(form, Mapping):
            return {key: value for [key, value] in self._possible([[*one] for one in form.items()])}
        filled = []
        for each in form:
            with contextlib.suppress(KeyError):
                filled.append(self.fill(each))
        return filled


def saved_objects(names: Names) -> list[SavedObject]:
    """All objects, each after those it refers to."""
    views = names.fill(_read("data_views"))["views"]
    return [
        *(_data_view(view) for view in views),
        *(_discover_session(view) for view in views),
        *(dashboard(names.fill(_read(name))) for name in DASHBOARDS),
    ]


def as_ndjson(objects: list[SavedObject]) -> bytes:
    """The file that Kibana imports: one object a line."""
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in objects)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("mappings").joinpath(f"kibana/{name}.toml").read_text("utf-8"))


def _data_view(view: Mapping[str, Any]) -> SavedObject:
    time = {"timeFieldName": view["time"]} if "time" in view else {}
    return {
        "type": "index-pattern",
        "id": data_view_id(view["data"]),
        "attributes": {
            "title": view["title"],
            "name": view["name"],
            **time,
            "sourceFilters": json.dumps([{"value": field} for field in view["hide"]]),
            "fieldFormatMap": json.dumps(view["formats"]),
        },
        "references": [],
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": "8.0.0",
    }


def _discover_session(view: Mapping[str, Any]) -> SavedObject:
    source = f"{_SEARCH_SOURCE}.index"
    search = {"query": {"query": "", "language": "kuery"}, "filter": [], "indexRefName": source}
    return {
        "type": "search",
        "id": data_view_id(view["data"]),
        "attributes": {
            **view["discover"],
            "sort": [[view["time"], "desc"]] if "time" in view else [],
            "grid": {},
            "hideChart": "time" not in view,
            "isTextBasedQuery": False,
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(search)},
        },
        "references": [
            {"type": "index-pattern", "id": data_view_id(view["data"]), "name": source}
        ],
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": "10.2.0",
    }  # fmt: skip
