"""`typed_keys`: names of aggregations with their types, as in `sterms#brand`.

Only Elasticsearch knows the types: `terms` is `sterms` or `lterms`, depending on the field. So each
request asks for typed keys, the engine sees plain names, and the types are restored at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_Path = tuple[str, ...]


class TypedKeys:
    """The types seen in the answers of one search."""

    def __init__(self) -> None:
        self._typed: dict[_Path, str] = {}

    def learn(self, body: Any) -> Any:
        """Remember the types in an answer, or in the answers of an `_msearch`.

        Returns:
            The answer with plain names.
        """
        if not isinstance(body, Mapping):
            return body
        if "responses" in body:
            return {**body, "responses": [self.learn(each) for each in body["responses"]]}
        return _with_sections(body, self._plain)

    def restore(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with typed names."""
        return _with_sections(answer, self._named)

    def _plain(self, aggregations: Mapping[str, Any], path: _Path) -> dict[str, Any]:
        found = {}
        for key, value in aggregations.items():
            name = key.partition("#")[2]
            if not name or not isinstance(value, Mapping | list):
                found[key] = value
                continue
            self._typed[(*path, name)] = key
            found[name] = self._inside(value, (*path, name), self._plain)
        return found

    def _named(self, aggregations: Mapping[str, Any], path: _Path) -> dict[str, Any]:
        return {
            self._typed.get((*path, name), name): self._inside(value, (*path, name), self._named)
            if (*path, name) in self._typed
            else value
            for name, value in aggregations.items()
        }

    def _inside(self, value: Any, path: _Path, rename: Any) -> Any:
        """One aggregation with renamed sub-aggregations, its own or those of its buckets."""
        if not isinstance(value, Mapping):
            return value
        buckets = value.get("buckets")
        if isinstance(buckets, list):
            return {**value, "buckets": [rename(bucket, path) for bucket in buckets]}
        if isinstance(buckets, Mapping):
            renamed = {key: rename(bucket, path) for key, bucket in buckets.items()}
            return {**value, "buckets": renamed}
        return rename(value, path)


def _with_sections(answer: Mapping[str, Any], rename: Any) -> dict[str, Any]:
    return {**answer, **dict(_sections(answer, rename))}


def _sections(answer: Mapping[str, Any], rename: Any) -> Iterator[tuple[str, Any]]:
    for section in ("aggregations", "suggest"):
        if isinstance(answer.get(section), Mapping):
            yield section, rename(answer[section], (section,))
