"""Peak memory of one load in a separate process; run by `benchmarks.ingest`.

python -m benchmarks.ingest_memory ROWS_FILE URL    (prints MiB)
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from elasticsearch import Elasticsearch

from benchmarks.ingest_contenders import INDEX, Bench
from benchmarks.rows import LookupEmbedder, source_rows
from es_hybrid.index.lifecycle import create_index
from es_hybrid.settings import IndexSettings, Settings

# Distinct vectors. More would only add memory of the benchmark itself.
_VECTORS = 100


def peak_mib(count: int, *, folder: Path, url: str) -> float:
    """Peak resident memory of a load of `count` rows, in MiB."""
    source = folder / f"rows-{count}.jsonl"
    with source.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in source_rows(count))
    command = [sys.executable, "-m", "benchmarks.ingest_memory", str(source), url]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    """Load one file and print the peak."""
    source, url = sys.argv[1:]
    settings, embedder = Settings(index=IndexSettings(name=INDEX)), LookupEmbedder(_VECTORS)
    with Elasticsearch(url, request_timeout=120) as client:
        client.indices.delete(index=INDEX, ignore_unavailable=True)
        create_index(client, settings, embedder)
        Bench(client, settings, embedder, Path(source), documents=[]).ingest()
    # Not `ru_maxrss`: it starts with the memory of the parent process.
    status = Path("/proc/self/status").read_text("ascii")
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


if __name__ == "__main__":
    main()
