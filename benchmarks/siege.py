"""What honest callers of `es-hybrid serve` notice while others attack it.

    python -m benchmarks.siege [--products 5000] [--seconds 10]

One server that may use 2 GiB (RLIMIT_DATA), with the embedded encoder, the bundled reranker and the
page, in front of an embedded node. `benchmarks.attacks` sends hostile requests from a process of
its own, one kind after another and then all at once; each is repeated until `--seconds` are over.
Meanwhile one honest caller asks for `/healthz` every 50 ms and another one searches. The Parquet
bomb is checked by `es-hybrid ingest check` under the same limit.

The rival is the same server at peace. Ends with the slowest median of a search under attack
relative to that, and with the longest wait for `/healthz` in seconds. The searches of
`filter_paths` are valid, so they are also compared with as many without a filter.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.attacks import ATTACKS
from benchmarks.command import parse_arguments
from benchmarks.search import load
from benchmarks.serve import INDEX
from benchmarks.servers import started
from es_hybrid.settings import load_settings
from training.data import cluster

MEMORY = 2 * 1024**3
# A large search passes through, and 40 of 32 MB do not fit into a smaller heap.
HEAP = "4g"
# Seconds between two requests for `/healthz`.
PULSE = 0.05
# Seconds for one answer to an honest caller.
PATIENCE = 60.0
ES_HYBRID = [sys.executable, "-c", "from es_hybrid.cli import main; main(prog_name='es-hybrid')"]


@dataclass
class Watch:
    """What honest callers see: milliseconds of each answer, and the failures."""

    pulses: list[float] = field(default_factory=list)
    searches: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def typical(self) -> float:
        """Median of a search in milliseconds."""
        return statistics.median(self.searches)

    def line(self, name: str, memory: int, answers: str) -> str:
        """Row of the table."""
        return (
            f"{name:<22}{max(self.pulses):>10.0f}{self.typical:>10.1f}{max(self.searches):>10.0f}"
            f"{sum(self.failures.values()):>8}{memory:>8}  {answers}"
        )


@contextmanager
def watched(url: str, queries: Sequence[str]) -> Iterator[Watch]:
    """Ask for `/healthz` and search, in two threads, until the block ends."""
    watch, over = Watch(), threading.Event()
    texts = itertools.cycle(queries)

    def search() -> tuple[str, str, bytes]:
        body = {"query": {"match": {"title": (text := next(texts))}}, "size": 10}
        body["ext"] = {"es_hybrid": {"text": text}}
        return "POST", f"/{INDEX}/_search", json.dumps(body).encode()

    def pulse() -> tuple[str, str, bytes]:
        return "GET", "/healthz", b""

    callers = [
        threading.Thread(target=_call, args=(url, made, times, watch.failures, pause, over))
        for made, times, pause in ((search, watch.searches, 0.0), (pulse, watch.pulses, PULSE))
    ]
    for caller in callers:
        caller.start()
    try:
        yield watch
    finally:
        over.set()
        for caller in callers:
            caller.join()


def _call(
    url: str,
    made: Callable[[], tuple[str, str, bytes]],
    times: list[float],
    failures: Counter[str],
    pause: float,
    over: threading.Event,
) -> None:
    """Send one request after another over a kept connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    while not over.wait(pause):
        method, target, body = made()
        start = time.perf_counter()
        try:
            connection.request(method, target, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                failures[str(answer.status)] += 1
        except (OSError, http.client.HTTPException) as error:
            failures[type(error).__name__] += 1
            connection.close()
        times.append((time.perf_counter() - start) * 1000)
    connection.close()


def attack(names: Sequence[str], url: str, seconds: float, scale: float) -> str:
    """Run the attacks side by side until the time is over; returns how the server answered."""
    answers: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while True:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.attacks", name, url, str(scale)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in names
        ]
        for process in running:
            output, _ = process.communicate()
            if process.returncode:
                raise RuntimeError(f"an attack of {names} failed")
            answers.update(json.loads(output))
        if time.monotonic() >= until:
            return ", ".join(f"{count} x {answer}" for answer, count in answers.most_common(6))


def limited() -> None:
    """Limit the memory of a child process."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def peak_mib(pid: int) -> int:
    """The largest resident memory of a process so far, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    raise RuntimeError(f"process {pid} has ended")


def parquet_bomb(rows: int, chars: int) -> str:
    """Have a file checked that repeats one long text by reference; returns what became of it."""
    import pyarrow as pa
    from pyarrow import parquet

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bomb.parquet")
        title = pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array(["a" * chars]))
        columns = {"id": [str(row) for row in range(rows)], "title": title}
        parquet.write_table(pa.table(columns), path, compression="zstd")
        command = [*ES_HYBRID, "ingest", "check", str(path)]
        start = time.perf_counter()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, preexec_fn=limited)
            peak = 0
            while process.poll() is None:
                # What the kernel reports at the end includes this process, from before the exec.
                with contextlib.suppress(OSError, RuntimeError):
                    peak = max(peak, peak_mib(process.pid))
                time.sleep(0.01)
            spent = time.perf_counter() - start
            output.seek(0)
            said = " ".join(output.read(300).decode(errors="replace").split())
        return (
            f"{path.stat().st_size:,} bytes: exit {process.returncode} after "
            f"{spent:.1f} s, at most {peak} MiB: {said}"
        )


def main() -> None:
    """Start the server, attack it, print the table and the ratios."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        products=(5000, 100),
        queries=(200, 10),
        seconds=(10.0, 0.2),
        scale=(1.0, 0.01),
    )
    with cluster(options.url, heap=HEAP) as url:
        settings = load_settings(flags={"elasticsearch": {"url": url}, "index": {"name": INDEX}})
        queries = load(settings, options.products)[: options.queries]
        with started(url, limit=limited) as server:
            with watched(server.url, queries):
                time.sleep(options.seconds)  # warm up
            with watched(server.url, queries) as peace:
                time.sleep(options.seconds)
            print(f"\n{'':<22}{'healthz':>10}{'search':>10}{'search':>10}")
            print(
                f"{'ms':<22}{'longest':>10}{'median':>10}{'longest':>10}{'failed':>8}{'MiB':>8}"
                "  the attacker's answers"
            )
            print(peace.line("at peace", peak_mib(server.pid), ""), flush=True)
            watches: dict[str, Watch] = {}
            hostile = [name for name in ATTACKS if name != "ordinary_searches"]
            # A smoke run makes each attack once: those of the ratios, then all of them together.
            alone = ("ordinary_searches", "filter_paths") if options.smoke else ATTACKS
            for names in (*([name] for name in alone), hostile):
                with watched(server.url, queries) as watch:
                    answers = attack(names, server.url, options.seconds, options.scale)
                name = names[0] if len(names) == 1 else "all at once"
                print(watch.line(name, peak_mib(server.pid), answers), flush=True)
                watches[name] = watch
            with watched(server.url, queries) as after:
                time.sleep(options.seconds)
            print(after.line("afterwards", peak_mib(server.pid), ""), flush=True)
    print(
        f"\nParquet bomb of {parquet_bomb(*((20, 1000) if options.smoke else (2000, 2_000_000)))}"
    )
    ordinary = watches.pop("ordinary_searches")
    options.print_ratio("siege_filter_paths", watches["filter_paths"].typical / ordinary.typical)
    worst = max(each.typical for each in watches.values())
    options.print_ratio("siege_search", worst / peace.typical)
    pulses = (pulse for each in watches.values() for pulse in each.pulses)
    options.print_ratio("siege_healthz_seconds", max(pulses) / 1000)


if __name__ == "__main__":
    main()
