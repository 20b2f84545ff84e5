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
- `parallel_bulk N from rows`: the same reading and cleaning, by the same code, in the generator
  that `parallel_bulk` is given: the pipeline's like-for-like rival.
- `writer`: our bulk writer alone, on ready-made documents with packed vectors.
- `streaming_bulk`, `parallel_bulk N`: the helpers on the same ready-made documents, with the orjson
  serializer (their best case); `lists` sends vectors as float lists, as embedding APIs give them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk, streaming_bulk
from elasticsearch.serializer import OrjsonSerializer

from benchmarks.rows import LookupEmbedder, made_documents, source_rows
from es_hybrid.embedding import Embedder
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.index.document import read_vector
from es_hybrid.index.lifecycle import create_index
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import EmbeddingSettings, IndexSettings, IngestSettings, Settings
from ingest.clean import Cleaner
from ingest.dead_letters import DeadLetters
from ingest.flow import batches, concurrently
from ingest.pipeline import Load
from ingest.sources import open_rows
from ingest.writing import AdaptiveLimit, BulkWriter, Patience, index_operation

INDEX = "benchmark"
# Rows of the run that embeds: the embedded encoder takes its time.
EMBEDDED_ROWS = 2_000


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
    source: Path
    documents: list[tuple[str, dict[str, Any]]]

    def ingest(self, embedder: Embedder | None = None, limit: int | None = None) -> None:
        """The whole pipeline."""
        load = Load(
            cleaner=Cleaner(self.settings.ingest),
            embedder=embedder or self.embedder,
            writer=self._writer(),
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
        writer = self._writer()
        operations = (
            index_operation(id_, document, version=number)
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

    def _writer(self) -> BulkWriter:
        return BulkWriter(
            self.client,
            INDEX,
            place="node",
            patience=Patience(60.0),
            limit=AdaptiveLimit(self.settings.ingest.bulk_concurrency),
        )

    def streaming(self) -> None:
        """`helpers.streaming_bulk` of ready-made documents."""
        deque(streaming_bulk(self.client, _actions(self.documents), chunk_size=500), maxlen=0)

    def parallel(self, threads: int, documents: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """`helpers.parallel_bulk`."""
        results = parallel_bulk(
            self.client, _actions(documents), thread_count=threads, chunk_size=500
        )
        deque(results, maxlen=0)

    def from_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The documents, made of the file's rows while they are asked for."""
        return made_documents(self.settings, self.source, self.embedder)

    def with_lists(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The ready-made documents with their vectors as lists of numbers."""
        field = self.settings.index.vector_field
        for id_, document in self.documents:
            yield id_, document | {field: read_vector(document[field]).tolist()}


def _actions(documents: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    return ({"_index": INDEX, "_id": id_, "_source": document} for id_, document in documents)


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
    """Seconds of CPU time the node has taken so far, to about a second (it caches the figure)."""
    (node,) = client.nodes.stats(metric="process")["nodes"].values()
    return float(node["process"]["cpu"]["total_in_millis"]) / 1000


def measure(bench: Bench, rounds: int) -> dict[str, Spent]:
    """Contender -> median seconds."""
    contenders: dict[str, Callable[[], None]] = {
        "ingest": bench.ingest,
        "writer": bench.writer,
        "parallel_bulk 2 from rows": lambda: bench.parallel(2, bench.from_rows()),
        "parallel_bulk 4 from rows": lambda: bench.parallel(4, bench.from_rows()),
        "streaming_bulk": bench.streaming,
        "parallel_bulk 2": lambda: bench.parallel(2, bench.documents),
        "parallel_bulk 4": lambda: bench.parallel(4, bench.documents),
        "parallel_bulk 4 lists": lambda: bench.parallel(4, bench.with_lists()),
    }
    expected = len(bench.documents)
    for _ in range(2):  # the JVM warms up
        timed(bench, bench.writer, expected=expected)
    runs: dict[str, list[Spent]] = {name: [] for name in contenders}
    names = list(contenders)
    for round_number in range(1, rounds + 1):
        # Another one begins each round: what is left to merge of one run weighs on the next.
        first = (round_number - 1) * len(names) // rounds
        for name in names[first:] + names[:first]:
            spent = timed(bench, contenders[name], expected=expected)
            runs[name].append(spent)
            print(f"round {round_number}  {name:<26} {spent.wall:6.2f} s", flush=True)
    return {
        name: Spent(*map(statistics.median, zip(*spent, strict=True)))
        for name, spent in runs.items()
    }


def report(medians: dict[str, Spent], rows: int) -> None:
    """The table and the ratios: above 1, ours takes less."""
    print(f"\n{'contender':<27}{'seconds':>9}{'rows/s':>9}{'client CPU s':>14}{'node CPU s':>12}")
    for name, spent in sorted(medians.items(), key=lambda item: item[1].wall):
        wall = f"{spent.wall:>9.2f}{rows / spent.wall:>9,.0f}"
        print(f"{name:<27}{wall}{spent.client:>14.2f}{spent.node:>12.2f}")
    print()
    best = {
        suffix: _best(*(medians[f"parallel_bulk {n}{suffix}"] for n in (2, 4)))
        for suffix in ("", " from rows")
    }
    pairs = {
        "ingest_vs_parallel_bulk_from_rows": (medians["ingest"], best[" from rows"]),
        "ingest_vs_parallel_bulk": (medians["ingest"], best[""]),
        "writer_vs_parallel_bulk": (medians["writer"], best[""]),
        "writer_vs_parallel_bulk_lists": (medians["writer"], medians["parallel_bulk 4 lists"]),
        "writer_vs_streaming_bulk": (medians["writer"], medians["streaming_bulk"]),
    }
    for name, (ours, rival) in pairs.items():
        print(f"RATIO {name} {rival.wall / ours.wall:.3f}")
        print(f"RATIO {name}_cpu {rival.cpu / ours.cpu:.3f}")


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
    settings = Settings(
        index=IndexSettings(name=INDEX), ingest=IngestSettings(fields={"gtin": "ean"})
    )
    serializers = {"application/json": OrjsonSerializer()}
    with tempfile.TemporaryDirectory() as folder, EmbeddedNode(heap="2g") as node:
        source = Path(folder) / "rows.jsonl"
        with source.open("w") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in source_rows(options.rows))
        with Elasticsearch(node.url, request_timeout=120, serializers=serializers) as client:
            embedder = LookupEmbedder(options.rows)
            documents = list(made_documents(settings, source, embedder))
            bench = Bench(client, settings, embedder, source, documents)
            report(measure(bench, options.rounds), options.rows)
            encoder = LocalEmbedder(EmbeddingSettings())
            count = min(EMBEDDED_ROWS, options.rows)
            spent = timed(bench, lambda: bench.ingest(encoder, count), expected=count)
            print(f"ingest with the embedded encoder: {count / spent.wall:,.0f} rows/s")


if __name__ == "__main__":
    main()
