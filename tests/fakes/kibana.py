"""Kibana's answers to `/api/status` and to imports of saved objects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from email.message import Message
from email.parser import BytesParser
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError

from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.kibana.saved_objects import read_ndjson

Key = tuple[str, str]


class KibanaServer(HttpServer):
    """Imports objects as Kibana does with `overwrite=true`, or refuses them.

    Args:
        version: What it says it is.
        authorization: The header that it requires; None if it has no security.
        conflicts: Type and id of objects that another space shares.

    Attributes:
        objects: Space -> type and id of what it has.
    """

    def __init__(
        self,
        version: str = "9.5.3",
        *,
        authorization: str | None = None,
        conflicts: Iterable[Key] = (),
    ) -> None:
        super().__init__(self._answer)
        self.version = version
        self.authorization = authorization
        self.conflicts = set(conflicts)
        self.objects: dict[str, set[Key]] = {"default": set(), "shop": set()}

    def _answer(self, request: Request) -> Answer:
        allowed = self.authorization in (None, request.header("Authorization"))
        if request.path == "/api/status":
            return json_answer(200, self._status(allowed))
        if request.method == "POST" and request.header("kbn-xsrf") is None:
            return _refusal(400, "Request must contain a kbn-xsrf header.")
        if not allowed:
            return _refusal(401, "Unauthorized")
        path, space = request.path, "default"
        if path.startswith("/s/"):
            space, _, path = unquote(path).removeprefix("/s/").partition("/")
            path = f"/{path}"
        if space not in self.objects:
            return _refusal(404, f"Saved object [space/{space}] not found")
        if path != "/api/saved_objects/_import" or request.method != "POST":
            return _refusal(404, "Not Found")
        return self._import(request, space)

    def _status(self, allowed: bool) -> dict[str, Any]:
        overall = {"overall": {"level": "available"}}
        # Without credentials, Kibana hides the rest.
        return {"status": overall} if not allowed else {
            "name": "kibana", "version": {"number": self.version}, "status": overall
        }  # fmt: skip

    def _import(self, request: Request, space: str) -> Answer:
        name, content = _uploaded(request)
        if not name.endswith(".ndjson"):
            return _refusal(400, f"Invalid file extension .{name.rpartition('.')[2]}")
        try:
            read_ndjson(content)
        except ValidationError as error:
            return _refusal(400, str(error))
        given = [json.loads(line) for line in content.splitlines()]
        overwrite = request.target.endswith("?overwrite=true")
        present = self.objects[space] | {(each["type"], each["id"]) for each in given}
        errors, imported = [], []
        for each in given:
            key = (each["type"], each["id"])
            about = {"type": key[0], "id": key[1], "meta": {"title": each["attributes"]["title"]}}
            missing = [
                {"type": one["type"], "id": one["id"]}
                for one in each["references"]
                if (one["type"], one["id"]) not in present
            ]
            if missing:
                errors.append(
                    {**about, "error": {"type": "missing_references", "references": missing}}
                )
            elif key in self.conflicts or (key in self.objects[space] and not overwrite):
                errors.append({**about, "error": {"type": "conflict"}})
            else:
                imported.append({**about, "overwrite": key in self.objects[space]})
        if not errors:
            self.objects[space] |= {(each["type"], each["id"]) for each in imported}
        answer = {
            "success": not errors,
            "successCount": len(imported),
            "warnings": [],
            "successResults": imported,
        }
        return json_answer(200, answer | ({"errors": errors} if errors else {}))


def _uploaded(request: Request) -> tuple[str, bytes]:
    """Name and content of the file in a form."""
    head = f"Content-Type: {request.header('Content-Type')}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.body)
    parts = message.get_payload()
    assert isinstance(parts, list)
    (part,) = parts
    assert isinstance(part, Message)
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return part.get_filename() or "", content


def _refusal(status: int, message: str) -> Answer:
    return json_answer(status, {"statusCode": status, "error": "", "message": message})
