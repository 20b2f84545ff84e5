"""How long `import es_hybrid` and `es-hybrid --help` take, beside a bare interpreter.

    python -m benchmarks.startup [--runs 15]

Whole processes, in turn, medians. The aims are 0.3 s and 0.4 s; that nothing heavy is imported is
what tests/test_imports.py holds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "import es_hybrid": ["-c", "import es_hybrid"],
    "es-hybrid --help": ["-c", "from es_hybrid.cli import main; main()", "--help"],
    "import elasticsearch, openai": ["-c", "import elasticsearch, openai"],
}


def seconds(arguments: list[str]) -> float:
    """Wall clock of one process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Run all in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs + 1):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    medians = {name: statistics.median(found[1:]) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{name:<30}{median * 1000:8.0f} ms")
    clients = medians["import elasticsearch, openai"]
    print(f"\nRATIO import_vs_its_clients {medians['import es_hybrid'] / clients:.3f}")
    print(f"RATIO help_vs_its_clients {medians['es-hybrid --help'] / clients:.3f}")


if __name__ == "__main__":
    main()
