"""A real OpenAI-compatible embedding server over a socket, with faults on demand.

A text's vector is a seeded function of the text alone, so that a test can tell the right vector
from every other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

# Sees the decoded request and the number of the request (from 1); returns None to let it pass, or
# (status, headers, body) to answer in its place; status 0 drops the connection.
Fault = Callable[[dict[str, Any], int], tuple[int, dict[str, str], bytes] | None]


def vector_of(text: str, dims: int) -> NDArray[np.float32]:
    """`[dims]` float32 of length 1; the first components of a longer one, brought to length 1."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(4096).astype(np.float32)[:dims]
    return vector / np.linalg.norm(vector)


class EmbeddingServer:
    """Answers `POST /v1/embeddings` on a free port of 127.0.0.1.

    Args:
        dims: Of its vectors where the request names none.
        takes_dimensions: False answers 400 to a request with `dimensions`, as SGLang does.
        base64: False answers with lists of numbers whatever the request asks for.
        fault: Consulted before each answer.
    """

    def __init__(
        self,
        *,
        dims: int = 64,
        takes_dimensions: bool = True,
        base64: bool = True,
        fault: Fault | None = None,
    ) -> None:
        self.dims = dims
        self.takes_dimensions = takes_dimensions
        self.base64 = base64
        self.fault = fault
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The base url, as `embedding.base_url` wants it."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    @property
    def texts(self) -> list[str]:
        """Every text embedded so far, in order of arrival."""
        return [text for request in self.requests for text in request["input"]]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a decoded request."""
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        if self.fault is not None and (faulty := self.fault(request, number)) is not None:
            return faulty
        dims = request.get("dimensions")
        if dims is not None and not self.takes_dimensions:
            return json_answer(400, {"error": {"message": "does not support matryoshka"}})
        vectors = [vector_of(text, dims or self.dims) for text in request["input"]]
        return json_answer(200, embeddings_body(vectors, as_base64=self.base64))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else what is sent in two pieces takes 40 ms longer

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != "/v1/embeddings":
                    status, headers, answer = json_answer(404, {"detail": "Not Found"})
                else:
                    server.keys.append(self.headers.get("Authorization", ""))
                    status, headers, answer = server.answer(json.loads(body))
                if status == 0:  # a connection that drops
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keep the tests' output quiet."""

        return Handler


def json_answer(status: int, body: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {}, json.dumps(body).encode()


def embeddings_body(
    vectors: Sequence[NDArray[np.float32]], *, as_base64: bool = True
) -> dict[str, Any]:
    """The body of a good answer."""
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()
                if as_base64
                else vector.tolist(),
            }
            for index, vector in enumerate(vectors)
        ],
    }
