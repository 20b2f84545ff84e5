"""As many made products as one likes, the same on every machine, and a server for their vectors."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.index.pages import read_hits
from tests.fakes.embedding import vector_of
from tests.fakes.http import Answer, HttpServer, Request, json_answer

DIMS = 64
_VECTORS = 4096
_PAGE = 2000
# A stored vector may differ from the one that was sent by rounding.
_EXACT = 1e-6
_COLOURS = ("red", "blue", "green", "black", "white", "yellow")


def made_row(number: int) -> dict[str, Any]:
    """The row of one product. Its words are as frequent as those of a language (Zipf's law)."""
    title, description = _texts(7), _texts(23)
    return {
        "id": f"P{number:08}",
        "sku": f"SKU-{number}",
        "title": f"{title[number * 7919 % len(title)]} no. {number}",
        "description": description[number * 104_729 % len(description)],
        "brand": f"Brand {number * 31 % 2000}",
        "category": f"Department {number % 20} > Aisle {number % 300}",
        "price": (100 + number * 17 % 50_000) / 100,
        "currency": "EUR",
        "lang": "en",
        "attributes": {"colour": _COLOURS[number % 6], "width": f"{10 + number % 890} mm"},
    }


def expected(number: int) -> tuple[dict[str, Any], str]:
    """The document that a load makes of a row, without its vector, and the embedded text."""
    row = made_row(number)
    top, aisle = row["category"].split(" > ")
    text = ". ".join([row["title"], row["brand"], f"{top} {aisle}", row["description"]])
    del row["id"]
    digest = hashlib.sha256(text.encode()).hexdigest()
    return row | {"category": [top, row["category"]], "text_hash": digest}, text


def write_rows(path: Path, count: int) -> Path:
    """A JSONL file of the first `count` rows."""
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(made_row(number)) + "\n" for number in range(count))
    return path


class VectorServer(HttpServer):
    """An embedding server that is no bottleneck: it looks up one of 4,096 vectors of 64 dims.

    Attributes:
        embedded: Number of texts so far.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.embedded = 0

    def _answer(self, request: Request) -> Answer:
        texts = json.loads(request.body)["input"]
        with self.lock:
            self.seen.clear()  # a million texts would be the benchmark's own memory
            self.embedded += len(texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _encoded(_place(text))}
            for index, text in enumerate(texts)
        ]
        return json_answer(200, {"object": "list", "data": data})


def differences(client: Elasticsearch, index: str, count: int) -> Iterator[str]:
    """Compare every stored document and vector with the row that it is of; yields what differs."""
    seen = np.zeros(count, np.uint8)
    hits = read_hits(client, index, size=_PAGE, source={"exclude_vectors": False})
    while page := [*itertools.islice(hits, _PAGE)]:
        numbers = [int(hit["_id"].removeprefix("P")) for hit in page]
        vectors = np.asarray([hit["_source"].pop("embedding") for hit in page], np.float32)
        wanted = [expected(number) for number in numbers]
        for hit, (document, _) in zip(page, wanted, strict=True):
            if hit["_source"] != document:
                yield f"{hit['_id']}: another document"
        right = _vectors()[[_place(text) for _, text in wanted]]
        for place in np.flatnonzero(np.abs(vectors - right).max(axis=1) > _EXACT):
            yield f"{page[place]['_id']}: another vector"
        seen[numbers] += 1
    for wrong in np.flatnonzero(seen != 1):
        yield f"P{wrong:08}: stored {seen[wrong]} times"


@cache
def _texts(words: int) -> list[str]:
    """10,000 texts of so many words, of 30,000 that can be pronounced."""
    rng = random.Random(words)
    syllables = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    lexicon = ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(30_000)]
    frequencies = [*itertools.accumulate(1 / rank for rank in range(1, len(lexicon) + 1))]
    return [" ".join(rng.choices(lexicon, cum_weights=frequencies, k=words)) for _ in range(10_007)]


@cache
def _vectors() -> NDArray[np.float32]:
    return np.stack([vector_of(str(place), DIMS) for place in range(_VECTORS)])


@cache
def _encoded(place: int) -> str:
    return base64.b64encode(_vectors()[place].astype("<f4").tobytes()).decode()


def _place(text: str) -> int:
    return zlib.crc32(text.encode()) % _VECTORS
