"""An older Elasticsearch: the real node behind a proxy that knows less."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.compatibility.table import ADDITIONS, Body, Version, decoded
from tests.fakes.elasticsearch import FaultyProxy, bulk_answer, error_item, operations_of
from tests.fakes.http import Answer, Request, json_answer

_HIDES_VECTORS = (9, 2)
_UNPACKS_VECTORS = (9, 3)


class OlderCluster(FaultyProxy):
    """Reports a version, and refuses what that version does not know.

    Attributes:
        refusals: Every refusal, as `type: reason`.
    """

    def __init__(self, target: str, version: Version) -> None:
        super().__init__(target, lambda path, body, forward: None)
        self.version = version
        self.refusals: list[str] = []
        self._lacks = [each for each in ADDITIONS if version in each.lacking()]

    def _answer(self, request: Request) -> Answer:
        if request.path.endswith("/_bulk"):
            return self._bulk(request)
        if request.path.endswith("/_msearch"):
            return self._msearch(request)
        body = decoded(request.body)
        if (refusal := self._refusal(request, body)) is not None:
            return json_answer(400, refusal)
        if request.path == "/":
            return json_answer(200, {"version": {"number": self._number}, "tagline": ""})
        if self.version < _HIDES_VECTORS:
            _show_vectors(request, body)
        answer = self._forward(request, request.body)
        return self._older(answer) if request.path.startswith("/_nodes") else answer

    @property
    def _number(self) -> str:
        return f"{self.version[0]}.{self.version[1]}.0"

    def _refusal(self, request: Request, body: Body) -> Body | None:
        for each in self._lacks:
            if (refusal := each.refused(request, body)) is not None:
                error = refusal["error"]
                with self.lock:
                    self.refusals.append(f"{error['type']}: {error['reason']}")
                return refusal
        return None

    def _msearch(self, request: Request) -> Answer:
        """As the node answers, with a refusal in place of each answer that this version refuses."""
        lines = request.body.splitlines()
        bodies = [decoded(line) for line in lines[1::2]]
        refusals = [self._refusal(request, body) for body in bodies]
        answer = self._forward(request, request.body)
        if not any(refusals):
            return answer
        whole = answer.json()
        pairs = zip(refusals, whole["responses"], strict=True)
        whole["responses"] = [refusal or found for refusal, found in pairs]
        return json_answer(200, whole)

    def _bulk(self, request: Request) -> Answer:
        if (refusal := self._refusal(request, {})) is not None:
            return json_answer(400, refusal)
        if self.version < _UNPACKS_VECTORS:
            operations = operations_of(request.body)
            if any(_packs(lines) for _, lines in operations):
                return bulk_answer([error_item(id_, 400) for id_, _ in operations])
        return self._forward(request, request.body)

    def _older(self, answer: Answer) -> Answer:
        nodes = answer.json()
        for node in nodes.get("nodes", {}).values():
            node["version"] = self._number
        return json_answer(answer.status, nodes)


def _show_vectors(request: Request, body: Body) -> None:
    """Let the node return vectors in `_source`, as versions before 9.2 do."""
    if request.path.endswith("/_search") and request.method == "POST":
        source = body.get("_source", {})
        if isinstance(source, dict):
            shown = {**body, "_source": {"exclude_vectors": False, **source}}
            request.body = json.dumps(shown).encode()
    if request.path.endswith("/_mget"):
        request.target += f"{'&' if '?' in request.target else '?'}_source_exclude_vectors=false"


def _packs(lines: bytes) -> bool:
    """Whether an operation writes a vector as base64."""
    return any(_is_base64(text) for line in lines.splitlines() for text in _texts(json.loads(line)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inside in value.items():
            if name in ("embedding", "doc", "upsert"):
                yield from _texts(inside)


def _is_base64(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) >= 64
    except binascii.Error:
        return False
