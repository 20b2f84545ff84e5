"""A million products through the local and the Ray runner, killed again and again.

    python -m benchmarks.scale [--rows 1000000] [--ray_rows 1000000] [--kills 20]

For each runner: a load of a tenth of the rows, undisturbed, then one of all rows that is killed
(`kill -9`) at random moments and resumed: locally the command, on Ray an actor. Prints rows per
second and the resident memory at 10, 50 and 100 %, next to the load average of the machine. Then
every document and vector of the index is compared with its row: a row that is missing, stored
twice or altered ends the benchmark with an error.

The products are made (see `made_products`). The embedding server looks its vectors up, and they
have 64 dims and no graph (`flat`), so that neither an encoder nor the building of graphs is
measured: the rest is reading, cleaning, looking up, writing and keeping the ledger.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from elasticsearch import Elasticsearch

from benchmarks.command import Options, parse_arguments
from benchmarks.made_products import VectorServer, differences, write_rows
from benchmarks.watched_load import Victim, WatchedLoad, memory
from training.data import cluster

INDEX = "bench-scale"
MILESTONES = (0.1, 0.5, 1.0)
_FLAT = 1.2
BATCH = 256
# Of every kill, the batches in progress are embedded again: of each thread, or of the one actor.
VICTIMS: dict[str, tuple[Victim, int]] = {"local": ("command", 4), "ray": ("actor", 1)}


class Bench(NamedTuple):
    """What all loads share."""

    folder: Path
    url: str
    server: VectorServer
    client: Elasticsearch

    def variables(self) -> dict[str, str]:
        """The settings, as environment variables."""
        sections = {
            "ELASTICSEARCH__URL": self.url,
            "EMBEDDING__BASE_URL": self.server.url + "/v1",
            "EMBEDDING__BATCH_SIZE": str(BATCH),
            "INDEX__NAME": INDEX,
            "INDEX__VECTOR_TYPE": "flat",
            "INDEX__LANGUAGES": '["en"]',
            "INGEST__LEDGER_DIR": "loads",
        }
        return {f"ES_HYBRID_{name}": value for name, value in sections.items()}

    def node_pid(self) -> int:
        """Process id of the node."""
        (node,) = self.client.nodes.info(metric="process")["nodes"].values()
        return int(node["process"]["id"])

    def heap_mib(self) -> float:
        """Heap of the node in use."""
        (node,) = self.client.nodes.stats(metric="jvm")["nodes"].values()
        return float(node["jvm"]["mem"]["heap_used_in_bytes"]) / 2**20


def run(bench: Bench, runner: str, count: int, *, kills: int) -> WatchedLoad:
    """One load into a fresh index, watched to its end and compared with its rows."""
    for index in bench.client.indices.get(index=f"{INDEX}*"):
        bench.client.indices.delete(index=index)
    folder = Path(tempfile.mkdtemp(prefix=f"{runner}-", dir=bench.folder))
    rows = write_rows(folder / "products.jsonl", count)
    victim, batches = VICTIMS[runner]
    load = WatchedLoad(folder, runner, rows, count, bench.variables(), kills, victim)
    bench.server.embedded = 0
    load.start()
    try:
        watch(bench, load)
    finally:
        load.end()
    check(bench, load, most_twice=kills * batches * BATCH)
    return load


def watch(bench: Bench, load: WatchedLoad) -> None:
    """Print a line at each milestone; its rows per second are those since the line before."""
    print(f"\n{load.runner} runner, {load.count:,} rows, {load.kills} kills", flush=True)
    titles = ("rows", "seconds", "rows/s", "command", "actors", "node", "heap", "load average")
    print("".join(f"{title:>13}" for title in titles) + "   (memory in MiB)", flush=True)
    node, start, milestones = bench.node_pid(), time.perf_counter(), list(MILESTONES)
    before: tuple[int, float] | None = None  # since the first slice: the command starts slowly
    while load.tick():
        done, now = load.done(), time.perf_counter()
        if done and before is None:
            before = done, now
        while milestones and done >= milestones[0] * load.count and before:
            milestones.pop(0)
            rate = (done - before[0]) / max(now - before[1], 1e-9)
            before = done, now
            of_actors = " + ".join(f"{memory(pid):.0f}" for pid in load.actors()) or "-"
            averages = "/".join(f"{each:.1f}" for each in os.getloadavg())
            print(
                f"{done:>13,}{now - start:>13.0f}{rate:>13,.0f}{memory(load.pid):>13.0f}"
                f"{of_actors:>13}{memory(node):>13.0f}{bench.heap_mib():>13.0f}   {averages}",
                flush=True,
            )
    peaks = ", ".join(f"{kind} {mib:.0f} MiB" for kind, mib in load.peaks.items() if mib)
    print(f"{time.perf_counter() - start:.0f} s in all; peak memory: {peaks}", flush=True)


def check(bench: Bench, load: WatchedLoad, *, most_twice: int) -> None:
    """Compare the index with the rows.

    Raises:
        RuntimeError: they differ, fewer kills happened, or too many texts were embedded twice.
    """
    start = time.perf_counter()
    bench.client.indices.refresh(index=INDEX)
    count = bench.client.count(index=INDEX)["count"]
    wrong = list(itertools.islice(differences(bench.client, INDEX, load.count), 5))
    if wrong or count != load.count:
        raise RuntimeError(f"{count} documents of {load.count} rows; {'; '.join(wrong)}")
    # The probe for the dims and the canaries of each process are embedded, too.
    twice = max(0, bench.server.embedded - load.count)
    print(
        f"{load.killed} kills; all {count:,} documents and vectors are those of their rows "
        f"(compared in {time.perf_counter() - start:.0f} s); about {twice:,} texts embedded twice",
        flush=True,
    )
    own = 100 * (load.killed + 2)
    if load.killed != load.kills or twice > most_twice + own:
        raise RuntimeError(f"{load.killed} kills, {twice} texts embedded twice")


def measure(bench: Bench, runner: str, count: int, options: Options) -> None:
    """Both loads of a runner, and how much more memory the larger one takes."""
    few = run(bench, runner, count // 10, kills=0)
    many = run(bench, runner, count, kills=options.kills)
    for kind in ("command", "actor"):
        if few.peaks[kind]:
            ratio = many.peaks[kind] / few.peaks[kind]
            options.print_ratio(f"scale_{runner}_{kind}_memory_at_ten_times_the_rows", ratio)
            if ratio > _FLAT:
                raise RuntimeError(f"the memory of the {kind} grows with the rows")


def main() -> None:
    """Load, kill, resume, compare."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        rows=(1_000_000, 4_000),
        ray_rows=(1_000_000, 0),  # the tests of the runner kill actors, too
        kills=(20, 1),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster(options.url, heap="2g") as url,
        VectorServer() as server,
        Elasticsearch(url, request_timeout=300) as client,
    ):
        bench = Bench(Path(folder), url, server, client)
        for runner, count in (("local", options.rows), ("ray", options.ray_rows)):
            if count:
                measure(bench, runner, count, options)


if __name__ == "__main__":
    main()
