"""A proxy in front of the real Elasticsearch that answers some requests itself."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tests.fakes.http import DROP, Answer, HttpServer, Request, json_answer

# Sends the request on, with this body.
Forward = Callable[[bytes], Answer]
# Sees path, body and `Forward`. Returns the answer, or None to forward the request unchanged.
Fault = Callable[[str, bytes, Forward], Answer | None]


class FaultyProxy(HttpServer):
    """Forwards to `target` what `fault` lets pass. An unreachable target is a dropped connection.

    Attributes:
        bulks: The body of every bulk request.
        statuses: The status of every answer; 0 for a dropped connection.
    """

    default_headers: ClassVar = {
        "Content-Type": "application/vnd.elasticsearch+json",
        "X-Elastic-Product": "Elasticsearch",
    }

    def __init__(self, target: str, fault: Fault) -> None:
        super().__init__(self._answer)
        self.target = urlsplit(target)
        self.fault = fault
        self.bulks: list[bytes] = []
        self.statuses: list[int] = []

    def _answer(self, request: Request) -> Answer:
        if "/_bulk" in request.target:
            with self.lock:
                self.bulks.append(request.body)

        def forward(body: bytes) -> Answer:
            return self._forward(request, body)

        try:
            answer = self.fault(request.target, request.body, forward) or forward(request.body)
        except (OSError, http.client.HTTPException):
            answer = DROP
        with self.lock:
            self.statuses.append(answer.status)
        return answer

    def _forward(self, request: Request, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(
            self.target.hostname or "", self.target.port, timeout=30
        )
        headers = {
            name: value
            for name, value in request.headers
            if name.lower() not in ("host", "content-length", "connection")
        }
        try:
            connection.request(request.method, request.target, body or None, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()


def operations_of(body: bytes) -> list[tuple[str, bytes]]:
    """Id and lines of each operation of a bulk body."""
    lines = iter(body.splitlines(keepends=True))
    operations = []
    for action in lines:
        ((kind, target),) = json.loads(action).items()
        operations.append((target["_id"], action if kind == "delete" else action + next(lines)))
    return operations


def kind_of(lines: bytes) -> str:
    """`index`, `update` or `delete`."""
    (kind,) = json.loads(lines.splitlines()[0])
    return str(kind)


def error_item(document_id: str, status: int, kind: str = "index") -> dict[str, Any]:
    """An item of a bulk answer that failed."""
    return {
        kind: {
            "_id": document_id,
            "status": status,
            "error": {"type": "injected", "reason": f"injected {status}"},
        }
    }


def bulk_answer(items: list[dict[str, Any]]) -> Answer:
    """The answer to a bulk request, of which an item failed."""
    return json_answer(200, {"errors": True, "items": items})


def refusal(status: int) -> Answer:
    """Refuses a whole request in Elasticsearch's form."""
    error = {"type": "injected", "reason": f"injected {status}"}
    body = {"error": error | {"root_cause": [error]}, "status": status}
    return json_answer(status, body)
