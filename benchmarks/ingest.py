"""Load speed of `ingest` compared with other loaders, on the embedded node.

    python -m benchmarks.ingest [--rows 20000] [--rounds 3]

Rows are the products of chorus-icecat (docs/data.md) if present, else the sample catalogue,
repeated as needed. Vectors have 512 dims and length 1, and are seeded and precomputed. Every run
writes into a fresh index and is timed until the last document is acknowledged. Contenders take
turns (A B C A B C); the median of the rounds counts. The table also shows the CPU time of the
loading process and of the node: other work on the machine hardly changes it.

Contenders:
- `ingest`, from a JSONL file: reads, cleans, hashes the text, packs vectors, writes, and keeps a
  ledger, with the garbage collector set as in the command's process. It writes each embedded batch
  immediately: `ingest 64` in requests of 64 documents, as with an embedding server; `ingest 500` in
  requests as large as the others'.
- `parallel_bulk N from rows`: `parallel_bulk` fed by a generator that reads and cleans with the
  same code: the like-for-like rival of the pipeline.
- `langchain N`, `haystack N`: `ElasticsearchStore.add_embeddings` and
  `ElasticsearchDocumentStore.write_documents` in N threads. They read the same file and clean
  nothing. `rival_writers.py` has their settings.
- `writer`: our bulk writer alone, with prebuilt documents and packed vectors.
- `streaming_bulk`, `parallel_bulk N`: the client's helpers with the same prebuilt documents and the
  orjson serializer (their best case); `lists` sends vectors as lists of floats.
"""

from __future__ import annotations

import functools
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from elasticsearch import Elasticsearch
from elasticsearch.serializer import OrjsonSerializer

from benchmarks.command import Options, parse_arguments
from benchmarks.ingest_contenders import INDEX, Bench
from benchmarks.ingest_memory import peak_mib
from benchmarks.rivals import STORES, Rivals, Timed, rival_index
from benchmarks.rows import LookupEmbedder, made_documents, source_rows
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.index.lifecycle import create_index
from es_hybrid.settings import EmbeddingSettings, IndexSettings, IngestSettings, Settings
from training.data import cluster

THREADS = (1, 2, 4)


class Spent(NamedTuple):
    """Seconds of one run: wall clock, and CPU time of the loading process and of the node."""

    wall: float
    client: float
    node: float

    @property
    def cpu(self) -> float:
        """CPU time of both processes."""
        return self.client + self.node


@dataclass(frozen=True)
class Contender:
    """One way to load the rows.

    Attributes:
        run: Loads the rows; returns the times if it ran in another process.
        store: Rival whose documents have another layout than ours.
    """

    run: Callable[[], Timed | None]
    store: str = ""


def timed(bench: Bench, contender: Contender, *, expected: int) -> Spent:
    """Time one run into a fresh index and check the number of documents."""
    client = bench.client
    client.indices.delete(index=INDEX, ignore_unavailable=True)
    create_index(client, bench.settings, bench.embedder)
    if contender.store:
        rival_index(client, INDEX, contender.store)
    node_start = _node_cpu(client)
    start, client_start = time.perf_counter(), time.process_time()
    times = contender.run()
    wall, own = time.perf_counter() - start, time.process_time() - client_start
    client.indices.refresh(index=INDEX)
    spent = Spent(*(times or (wall, own)), _node_cpu(client) - node_start)
    found = client.count(index=INDEX)["count"]
    if found != expected:
        raise RuntimeError(f"{found} documents in the index, {expected} expected")
    return spent


def _node_cpu(client: Elasticsearch) -> float:
    """CPU seconds of the node so far, accurate to about a second (the node caches the value)."""
    (node,) = client.nodes.stats(metric="process")["nodes"].values()
    return float(node["process"]["cpu"]["total_in_millis"]) / 1000


def contenders(bench: Bench, rivals: Rivals, url: str) -> dict[str, Contender]:
    """Contenders by their names in the table."""
    whole = LookupEmbedder(len(bench.documents), batch_size=500)
    runs: dict[str, Callable[[], None]] = {
        "ingest 64": bench.ingest,
        "ingest 500": lambda: bench.ingest(whole),
        "writer": bench.writer,
        "parallel_bulk 2 from rows": lambda: bench.parallel(2, bench.from_rows()),
        "parallel_bulk 4 from rows": lambda: bench.parallel(4, bench.from_rows()),
        "streaming_bulk": bench.streaming,
        "parallel_bulk 2": lambda: bench.parallel(2, bench.documents),
        "parallel_bulk 4": lambda: bench.parallel(4, bench.documents),
        "parallel_bulk 4 lists": lambda: bench.parallel(4, bench.with_lists()),
    }
    others = {
        f"{store} {threads}": Contender(
            functools.partial(rivals.load, store, threads, url=url, index=INDEX), store
        )
        for store in rivals.stores
        for threads in THREADS
    }
    return {name: Contender(run) for name, run in runs.items()} | others


def measure(bench: Bench, contending: dict[str, Contender], rounds: int) -> dict[str, Spent]:
    """Contender -> median seconds over the rounds."""
    expected = len(bench.documents)
    for _ in range(2):  # warm up the JVM
        timed(bench, contending["writer"], expected=expected)
    runs: dict[str, list[Spent]] = {name: [] for name in contending}
    names = list(contending)
    for round_number in range(1, rounds + 1):
        # Rotate the order: merges left over from one run slow down the next.
        first = (round_number - 1) * len(names) // rounds
        for name in names[first:] + names[:first]:
            spent = timed(bench, contending[name], expected=expected)
            runs[name].append(spent)
            print(f"round {round_number}  {name:<26} {spent.wall:6.2f} s", flush=True)
    return {
        name: Spent(*map(statistics.median, zip(*spent, strict=True)))
        for name, spent in runs.items()
    }


def report(medians: dict[str, Spent], options: Options) -> None:
    """Print the table and the ratios; above 1, es-hybrid is faster."""
    print(f"\n{'contender':<27}{'seconds':>9}{'rows/s':>9}{'client CPU s':>14}{'node CPU s':>12}")
    for name, spent in sorted(medians.items(), key=lambda item: item[1].wall):
        wall = f"{spent.wall:>9.2f}{options.rows / spent.wall:>9,.0f}"
        print(f"{name:<27}{wall}{spent.client:>14.2f}{spent.node:>12.2f}")
    print()
    best = {
        suffix: _best(*(medians[f"parallel_bulk {n}{suffix}"] for n in (2, 4)))
        for suffix in ("", " from rows")
    }
    bulk = "`parallel_bulk`"
    same = f"{bulk} after the same cleaning"
    pairs = {
        "ingest_vs_parallel_bulk_from_rows": ("ingest 500", best[" from rows"], same),
        "ingest_in_batches_of_64_vs_parallel_bulk_from_rows": (
            "ingest 64",
            best[" from rows"],
            f"{same}, in requests of 500",
        ),
        "ingest_vs_parallel_bulk": ("ingest 500", best[""], f"{bulk} of prebuilt documents"),
        "writer_vs_parallel_bulk": ("writer", best[""], bulk),
        "writer_vs_parallel_bulk_lists": (
            "writer",
            medians["parallel_bulk 4 lists"],
            f"{bulk} of vectors as lists",
        ),
        "writer_vs_streaming_bulk": ("writer", medians["streaming_bulk"], "`streaming_bulk`"),
    }
    for store in filter(lambda store: f"{store} {THREADS[0]}" in medians, STORES):
        rival = _best(*(medians[f"{store} {threads}"] for threads in THREADS))
        cleaning = f"{store}, without cleaning"
        pairs[f"ingest_vs_{store}"] = ("ingest 500", rival, cleaning)
        pairs[f"ingest_in_batches_of_64_vs_{store}"] = ("ingest 64", rival, cleaning)
    for name, (ours, rival, what) in pairs.items():
        spent = medians[ours]
        options.print_ratio(
            name,
            rival.wall / spent.wall,
            ours=f"{options.rows / spent.wall:,.0f} rows/s",
            rival=f"{what}: {options.rows / rival.wall:,.0f} rows/s",
        )
        options.print_ratio(f"{name}_cpu", rival.cpu / spent.cpu)
        options.print_ratio(f"{name}_client_cpu", rival.client / spent.client)


def _best(*runs: Spent) -> Spent:
    """The minimum of each figure over the runs."""
    return Spent(*map(min, zip(*runs, strict=True)))


def main() -> None:
    """Run all contenders and print the results."""
    options = parse_arguments(
        __doc__, elasticsearch=True, rows=(20_000, 200), rounds=(3, 1), embedded=(2_000, 50)
    )
    settings = Settings(
        index=IndexSettings(name=INDEX), ingest=IngestSettings(fields={"gtin": "ean"})
    )
    serializers = {"application/json": OrjsonSerializer()}
    with tempfile.TemporaryDirectory() as folder, cluster(options.url, heap="2g") as url:
        source = Path(folder) / "rows.jsonl"
        with source.open("w") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in source_rows(options.rows))
        with Elasticsearch(url, request_timeout=120, serializers=serializers) as client:
            embedder = LookupEmbedder(options.rows)
            documents = list(made_documents(settings, source, embedder))
            bench = Bench(client, settings, embedder, source, documents)
            rivals = Rivals.prepare(settings, source, embedder)
            gc.freeze()  # the prebuilt documents are no contender's
            contending = contenders(bench, rivals, url)
            report(measure(bench, contending, options.rounds), options)
            few, many = (
                peak_mib(count, folder=Path(folder), url=url)
                for count in (options.rows // 4, options.rows // 4 * 10)
            )
            options.print_ratio(
                "ingest_memory_at_ten_times_the_rows",
                many / few,
                ours=f"{many:.0f} MiB",
                rival=f"at {options.rows // 4:,} rows: {few:.0f} MiB",
            )
            encoder = LocalEmbedder(EmbeddingSettings())
            count = min(options.embedded, options.rows)
            embedding = Contender(lambda: bench.ingest(encoder, count))
            spent = timed(bench, embedding, expected=count)
            print(f"ingest with the embedded encoder: {count / spent.wall:,.0f} rows/s")


if __name__ == "__main__":
    main()
