"""Start-up time of `import es_hybrid` and `es-hybrid --help`, compared with a bare interpreter.

    python -m benchmarks.startup [--runs 15]

Medians of whole processes, run in turn. The targets are 0.3 s and 0.4 s. tests/test_imports.py
checks that nothing heavy is imported.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.command import parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles

COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "import es_hybrid": ["-c", "import es_hybrid"],
    "es-hybrid --help": ["-c", "from es_hybrid.cli import main; main()", "--help"],
    "import elasticsearch, openai": ["-c", "import elasticsearch, openai"],
}


def milliseconds(arguments: list[str]) -> float:
    """Wall-clock time of one process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Run all commands in turn and print the times."""
    options = parse_arguments(__doc__, runs=(15, 1))
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(options.runs + 1):
        for name, arguments in COMMANDS.items():
            times[name].append(milliseconds(arguments))
    print(f"{'ms':<30}{PERCENTILE_TITLES}")
    for name, found in times.items():
        print(f"{name:<30}{percentiles(found[1:])}")
    medians = {name: statistics.median(found[1:]) for name, found in times.items()}
    clients = medians["import elasticsearch, openai"]
    print()
    options.print_ratio(
        "import_vs_its_clients",
        medians["import es_hybrid"] / clients,
        ours=f"{medians['import es_hybrid']:.0f} ms",
        rival=f"importing its clients: {clients:,.0f} ms",
    )
    options.print_ratio("help_vs_its_clients", medians["es-hybrid --help"] / clients)


if __name__ == "__main__":
    main()
