"""How benchmarks print times, and the machine that they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from es_hybrid.node.artifacts import VERSION

__all__ = ["PERCENTILE_TITLES", "machine", "percentile", "percentiles"]

_PERCENTILES = (50, 90, 99)
PERCENTILE_TITLES = "".join(f"{f'p{at}':>9}" for at in _PERCENTILES)
# Without these, or with others, a benchmark measures something else.
_PACKAGES = ("es-hybrid", "elasticsearch", "numpy", "onnxruntime", "onnxruntime-gpu", "torch")


def percentile(times: Sequence[float], at: int) -> float:
    """One percentile, interpolated between the nearest two times."""
    return float(np.percentile(times, at))


def percentiles(times: Sequence[float]) -> str:
    """Cells of a table under `PERCENTILE_TITLES`."""
    return "".join(f"{percentile(times, at):>9.2f}" for at in _PERCENTILES)


def machine() -> str:
    """Date, processor, memory, load and versions, in two lines."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores of {_processor()}, "
        f"{memory:.0f} GiB, {platform.system()} {platform.release().partition('-')[0]}, "
        f"load {os.getloadavg()[0]:.1f}\n"
        f"Python {platform.python_version()}, Elasticsearch {VERSION}, {', '.join(_versions())}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:  # not Linux
        lines = []
    names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join((names or [platform.processor() or platform.machine()])[0].split())


def _versions() -> list[str]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found
