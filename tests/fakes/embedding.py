"""An OpenAI-compatible embedding server with faults on demand.

A text's vector is a seeded function of the text alone, so that a test can tell the right vector
from every other.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tests.fakes.http import Answer, HttpServer, Request, json_answer

# Sees the decoded request and its number (from 1). Returns the answer, or None for the right one.
Fault = Callable[[dict[str, Any], int], Answer | None]


def vector_of(text: str, dims: int) -> NDArray[np.float32]:
    """`[dims]` float32 of length 1: a longer vector of the text, cut and normalized."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(4096).astype(np.float32)[:dims]
    return vector / np.linalg.norm(vector)


class EmbeddingServer(HttpServer):
    """Answers `POST /v1/embeddings`.

    Args:
        dims: Dims of a vector where the request names none.
        takes_dimensions: False answers 400 to a request with `dimensions`, as SGLang does.
        base64: False answers with lists of numbers whatever the request asks for.
        fault: Called before each answer.

    Attributes:
        requests: The decoded body of each request.
        keys: The `Authorization` header of each request.
    """

    default_headers: ClassVar = {"Content-Type": "application/json"}

    def __init__(
        self,
        *,
        dims: int = 64,
        takes_dimensions: bool = True,
        base64: bool = True,
        fault: Fault | None = None,
    ) -> None:
        super().__init__(self._answer)
        self.dims = dims
        self.takes_dimensions = takes_dimensions
        self.base64 = base64
        self.fault = fault
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []

    @property
    def url(self) -> str:
        """The value for `embedding.base_url`."""
        return f"{super().url}/v1"

    @property
    def texts(self) -> list[str]:
        """Every text embedded so far, in order of arrival."""
        return [text for request in self.requests for text in request["input"]]

    def _answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/v1/embeddings"):
            return json_answer(404, {"detail": "Not Found"})
        body = json.loads(request.body)
        with self.lock:
            self.keys.append(request.header("Authorization") or "")
            self.requests.append(body)
            number = len(self.requests)
        if self.fault is not None and (faulty := self.fault(body, number)) is not None:
            return faulty
        dims = body.get("dimensions")
        if dims is not None and not self.takes_dimensions:
            return json_answer(400, {"error": {"message": "does not support matryoshka"}})
        vectors = [vector_of(text, dims or self.dims) for text in body["input"]]
        return json_answer(200, embeddings_body(vectors, as_base64=self.base64))


def another_model(dims: int) -> Fault:
    """A fault: vectors of another model with the same name."""

    def answer(body: dict[str, Any], number: int) -> Answer:
        vectors = [vector_of(f"other {text}", dims) for text in body["input"]]
        return json_answer(200, embeddings_body(vectors))

    return answer


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
