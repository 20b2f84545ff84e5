"""How fast rows get in: `ingest` against elasticsearch-py's bulk helpers, on the embedded node.

    python -m benchmarks.ingest [--rows 20000] [--rounds 3]

Rows are the chorus-icecat products of ../shared/data where that is there, else the sample
catalogue, repeated; vectors are 512-dim, seeded, of length 1, and known beforehand. Every run
writes into a fresh index and is timed until the last document is acknowledged. Contenders take
turns (A B C A B C), and the median of the rounds counts. Beside the wall clock stands CPU time, of
this process and of the node: where both share the cores it says what the wall clock would say on
a machine with nothing else to do, and other work on the machine hardly moves it.

What each side does:
- `ingest`, from a JSONL file: reads, cleans, hashes the text, packs vectors, encodes, writes.
- `writer`: our bulk writer alone; ready-made documents with packed vectors, encoded and written.
- `streaming_bulk`, `parallel_bulk N`: the helpers with the same ready-made documents, packed
  vectors and the orjson serializer (their best case); `lists` sends vectors as float lists, as
  they come from an embedding API.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import statistics
import tempfile
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import pack_dense_vector, parallel_bulk, streaming_bulk
from elasticsearch.serializer import OrjsonSerializer
from numpy.typing import NDArray

from es_hybrid.embedding import Embedder, EmbedderIdentity
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.index.document import to_document
from es_hybrid.index.lifecycle import create_index
from es_hybrid.index.text import embedding_text, text_hash
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import EmbeddingSettings, IndexSettings, IngestSettings, Settings
from ingest.bulk import BulkWriter, Operation, encode
from ingest.clean import Cleaner
from ingest.dead_letters import DeadLetters
from ingest.flow import batches, concurrently
from ingest.pipeline import Load
from ingest.sources import Row, open_rows

DIMS = 512
INDEX = "benchmark"
CHORUS = Path(__file__).parents[1] / "../shared/data/chorus-icecat/products.jsonl"
# Rows of the run that embeds: the embedded encoder takes its time.
EMBEDDED_ROWS = 2_000


class LookupEmbedder:
    """Hands out one of the known vectors by the text's checksum: embedding at no cost."""

    batch_size = 64
    concurrency = 1
    identity = EmbedderIdentity("known-vectors", "", DIMS, "")

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[n]` texts -> `[n, 512]` float32."""
        rows = [zlib.crc32(text.encode()) % len(self._vectors) for text in texts]
        return self._vectors[rows]

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """`[512]` float32."""
        vector: NDArray[np.float32] = self.embed_documents([text])[0]
        return vector

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass(frozen=True)
class Bench:
    """What all contenders share.

    Attributes:
        source: JSONL with the rows.
        documents: Id and ready-made document of each row, with its vector packed.
    """

    client: Elasticsearch
    settings: Settings
    embedder: LookupEmbedder
    vectors: NDArray[np.float32]
    source: Path
    documents: list[tuple[str, dict[str, Any]]]

    def ingest(self, embedder: Embedder | None = None, limit: int | None = None) -> None:
        """The whole pipeline."""
        load = Load(
            cleaner=Cleaner(self.settings.ingest),
            embedder=embedder or self.embedder,
            writer=BulkWriter(self.client, INDEX, place="node"),
            stored=None,
            settings=self.settings.ingest,
            vector_field=self.settings.index.vector_field,
            dead_letters=DeadLetters(self.source.with_name("dead.jsonl")),
        )
        tally = load.run(itertools.islice(open_rows(str(self.source), "jsonl"), limit))
        if tally.created != tally.rows:
            raise RuntimeError(f"only {tally.created} of {tally.rows} rows landed: {tally.reasons}")

    def writer(self) -> None:
        """The bulk writer alone."""
        ingest = self.settings.ingest
        writer = BulkWriter(self.client, INDEX, place="node")
        row = Row("")
        operations = (
            Operation(id_, row, encode(id_, document, version=number))
            for number, (id_, document) in enumerate(self.documents, start=1)
        )
        requests = batches(
            operations, count=500, limit=ingest.bulk_bytes, weight=lambda op: len(op.body)
        )
        for outcomes in concurrently(
            writer.send, requests, threads=ingest.bulk_concurrency, name="bulk"
        ):
            if not all(outcome.written for outcome in outcomes):
                raise RuntimeError(outcomes)

    def streaming(self, *, lists: bool = False) -> None:
        """`helpers.streaming_bulk`."""
        deque(streaming_bulk(self.client, self._actions(lists=lists), chunk_size=500), maxlen=0)

    def parallel(self, threads: int, *, lists: bool = False) -> None:
        """`helpers.parallel_bulk`."""
        results = parallel_bulk(
            self.client, self._actions(lists=lists), thread_count=threads, chunk_size=500
        )
        deque(results, maxlen=0)

    def _actions(self, *, lists: bool) -> Iterator[dict[str, Any]]:
        field = self.settings.index.vector_field
        for number, (id_, document) in enumerate(self.documents):
            if lists:
                document = document | {field: self.vectors[number].tolist()}
            yield {"_index": INDEX, "_id": id_, "_source": document}


def source_rows(count: int) -> Iterator[dict[str, Any]]:
    """`count` rows with ids of their own."""
    sample = files("es_hybrid.data").joinpath("products.jsonl")
    text = CHORUS.read_bytes() if CHORUS.exists() else sample.read_bytes()
    rows = [json.loads(line) for line in text.splitlines()]
    for number, row in enumerate(itertools.islice(itertools.cycle(rows), count)):
        yield row | {"id": f"{row['id']}-{number // len(rows)}"}


def ready_documents(
    settings: Settings, source: Path, vectors: NDArray[np.float32]
) -> list[tuple[str, dict[str, Any]]]:
    """Each row cleaned and made a document, with its vector packed."""
    cleaner = Cleaner(settings.ingest)
    documents = []
    for row, vector in zip(open_rows(str(source), "jsonl"), vectors, strict=True):
        product = cleaner.clean(row)
        text = embedding_text(
            product,
            template=settings.ingest.text_template,
            max_chars=settings.ingest.text_max_chars,
        )
        document = to_document(product, text_hash=text_hash(text))
        packed = {settings.index.vector_field: pack_dense_vector(vector)}
        documents.append((product.id, document | packed))
    return documents


class Spent(NamedTuple):
    """Seconds of one run: on the wall clock, and CPU time of this process and of the node."""

    wall: float
    client: float
    node: float

    @property
    def cpu(self) -> float:
        """Of both."""
        return self.client + self.node


def timed(bench: Bench, run: Callable[[], None], *, expected: int) -> Spent:
    """Time one run into a fresh index; checks that everything is there."""
    client = bench.client
    client.indices.delete(index=INDEX, ignore_unavailable=True)
    create_index(client, bench.settings, bench.embedder)
    node_start = _node_cpu(client)
    start, client_start = time.perf_counter(), time.process_time()
    run()
    wall, own = time.perf_counter() - start, time.process_time() - client_start
    client.indices.refresh(index=INDEX)
    spent = Spent(wall, own, _node_cpu(client) - node_start)
    found = client.count(index=INDEX)["count"]
    if found != expected:
        raise RuntimeError(f"{found} documents in the index, {expected} expected")
    return spent


def _node_cpu(client: Elasticsearch) -> float:
    """Seconds of CPU time the node has taken so far."""
    (node,) = client.nodes.stats(metric="process")["nodes"].values()
    return float(node["process"]["cpu"]["total_in_millis"]) / 1000


def measure(bench: Bench, rounds: int) -> dict[str, Spent]:
    """Contender -> median seconds."""
    contenders: dict[str, Callable[[], None]] = {
        "ingest": bench.ingest,
        "writer": bench.writer,
        "streaming_bulk": bench.streaming,
        "parallel_bulk 2": lambda: bench.parallel(2),
        "parallel_bulk 4": lambda: bench.parallel(4),
        "streaming_bulk lists": lambda: bench.streaming(lists=True),
        "parallel_bulk 2 lists": lambda: bench.parallel(2, lists=True),
        "parallel_bulk 4 lists": lambda: bench.parallel(4, lists=True),
    }
    expected = len(bench.documents)
    timed(bench, bench.writer, expected=expected)  # the JVM warms up
    runs: dict[str, list[Spent]] = {name: [] for name in contenders}
    for round_number in range(1, rounds + 1):
        for name, run in contenders.items():
            spent = timed(bench, run, expected=expected)
            runs[name].append(spent)
            print(f"round {round_number}  {name:<22} {spent.wall:6.2f} s", flush=True)
    return {
        name: Spent(*map(statistics.median, zip(*spent, strict=True)))
        for name, spent in runs.items()
    }


def report(medians: dict[str, Spent], rows: int) -> None:
    """The table and the ratios: above 1, ours takes less."""
    print(f"\n{'contender':<24}{'seconds':>9}{'rows/s':>9}{'client CPU s':>14}{'node CPU s':>12}")
    for name, spent in sorted(medians.items(), key=lambda item: item[1].wall):
        wall = f"{spent.wall:>9.2f}{rows / spent.wall:>9,.0f}"
        print(f"{name:<24}{wall}{spent.client:>14.2f}{spent.node:>12.2f}")
    print()
    rivals = {
        "parallel_bulk": _best(*(medians[f"parallel_bulk {n}"] for n in (2, 4))),
        "streaming_bulk": medians["streaming_bulk"],
        "parallel_bulk_lists": _best(*(medians[f"parallel_bulk {n} lists"] for n in (2, 4))),
        "streaming_bulk_lists": medians["streaming_bulk lists"],
    }
    for ours in ("writer", "ingest"):
        for name, rival in rivals.items():
            print(f"RATIO {ours}_vs_{name} {rival.wall / medians[ours].wall:.3f}")
            print(f"RATIO {ours}_cpu_vs_{name} {rival.cpu / medians[ours].cpu:.3f}")


def _best(*runs: Spent) -> Spent:
    """The best of each figure, whichever run it is from."""
    return Spent(*map(min, zip(*runs, strict=True)))


def main() -> None:
    """Set the node up, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # that the node lacks analyzers, for each fresh index
    vectors = np.random.default_rng(1).standard_normal((options.rows, DIMS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    settings = Settings(
        index=IndexSettings(name=INDEX), ingest=IngestSettings(fields={"gtin": "ean"})
    )
    serializers = {"application/json": OrjsonSerializer()}
    with tempfile.TemporaryDirectory() as folder, EmbeddedNode(heap="2g") as node:
        source = Path(folder) / "rows.jsonl"
        with source.open("w") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in source_rows(options.rows))
        with Elasticsearch(node.url, request_timeout=120, serializers=serializers) as client:
            documents = ready_documents(settings, source, vectors)
            bench = Bench(client, settings, LookupEmbedder(vectors), vectors, source, documents)
            report(measure(bench, options.rounds), options.rows)
            encoder = LocalEmbedder(EmbeddingSettings())
            spent = timed(
                bench, lambda: bench.ingest(encoder, EMBEDDED_ROWS), expected=EMBEDDED_ROWS
            )
            print(f"ingest with the embedded encoder: {EMBEDDED_ROWS / spent.wall:,.0f} rows/s")


if __name__ == "__main__":
    main()
