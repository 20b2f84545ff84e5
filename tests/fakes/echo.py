"""A server that shows the keys it was sent, in every shape."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable

from tests.fakes.http import Answer, Request, json_answer

CANARIES = {
    "embedding": "EMBED-CANARY-0123456789",
    "rerank": "RERANK-CANARY-0123456789",
    "elasticsearch": "ELASTIC-CANARY-0123456789",
}

Shape = Callable[[str], Answer]
SHAPES: dict[str, Shape] = {
    "json": lambda sent: json_answer(401, {"error": {"message": f"Incorrect API key: {sent}"}}),
    "html": lambda sent: Answer(403, f"<html><p>{html.escape(sent)}</p></html>".encode()),
    "traceback": lambda sent: Answer(500, f'File "a.py", line 1\nKeyError: {sent!r}'.encode()),
    "success": lambda sent: Answer(200, sent.encode()),
    "header": lambda sent: Answer(401, b"", {"WWW-Authenticate": f"Bearer {sent}"}),
    "redirect": lambda sent: Answer(307, b"", {"Location": f"http://elsewhere.example/?k={sent}"}),
    "base64": lambda sent: Answer(400, base64.b64encode(sent.split()[-1].encode())),
    "at the cut": lambda sent: Answer(400, b"x" * 285 + sent.encode()),
    "no http": lambda sent: Answer(200, b"{}", {f"{sent.split()[-1]}": "x\x00"}),
}


class Echo:
    """Answers with the key that a request brought."""

    def __init__(self) -> None:
        self.shape = SHAPES["json"]

    def __call__(self, request: Request) -> Answer:
        return self.shape(request.header("Authorization") or "none")


def assert_no_key(text: str, where: str, **others: str) -> None:
    """Fail if a text holds one of the keys, plain or in base64.

    Args:
        others: Further keys by name.
    """
    for name, canary in {**CANARIES, **others}.items():
        for form in (canary, base64.b64encode(canary.encode()).decode().rstrip("=")):
            # Half a key is one as well.
            assert form[:10] not in text, (where, name)
