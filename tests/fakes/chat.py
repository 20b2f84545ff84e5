"""An OpenAI-compatible server with a chat model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from tests.fakes.http import Answer, HttpServer, Request, json_answer

# What the user's message says, decoded -> the text of the answer, or a whole answer.
Reply = Callable[[dict[str, Any]], str | Answer]


class ChatServer(HttpServer):
    """Answers `POST /v1/chat/completions`.

    Attributes:
        requests: The decoded body of each request.
        keys: The `Authorization` header of each request.
    """

    default_headers: ClassVar = {"Content-Type": "application/json"}

    def __init__(self, reply: Reply) -> None:
        super().__init__(self._answer)
        self.reply = reply
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        """The value for `judge.base_url`."""
        return f"{super().url}/v1"

    def _answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            return json_answer(404, {"detail": "Not Found"})
        body = json.loads(request.body)
        with self.lock:
            self.requests.append(body)
            self.keys.append(request.header("Authorization") or "")
        reply = self.reply(json.loads(body["messages"][-1]["content"]))
        if isinstance(reply, Answer):
            return reply
        message = {"role": "assistant", "content": reply}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return json_answer(
            200,
            {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"],
             "choices": [choice]},
        )  # fmt: skip
