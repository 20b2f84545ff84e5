"""Starts servers of others, which `make test` installs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.fakes.http import dead_url
from tests.pauses import PATIENCE, wait_until

_BIN = Path(sys.prefix, "servers/bin")
_ENVIRONMENT = {
    # Threads spin while they wait for one another, and other tests need the cores.
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "INFINITY_ANONYMOUS_USAGE_STATS": "0",
}


@contextlib.contextmanager
def running(program: str, *options: str, log: Path) -> Iterator[str]:
    """The address of a server that answers `GET /health`.

    Args:
        program: A script of the environment of servers, with the options `--host` and `--port`.
        log: File for what it prints.
    """
    if not (_BIN / program).exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed: make .venv/servers.installed")
    url = dead_url()
    with log.open("wb") as output:
        server = subprocess.Popen(
            [_BIN / program, *options, f"--port={urlsplit(url).port}", "--host=127.0.0.1"],
            stdout=output,
            stderr=output,
            env=os.environ | _ENVIRONMENT,
        )

    def answers() -> bool:
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            return bool(urlopen(f"{url}/health", timeout=PATIENCE).status == 200)
        return False

    try:
        # infinity-emb imports torch, transformers and scikit-learn: 15 s of processor time.
        wait_until(answers, patience=5 * PATIENCE)
        yield url
    finally:
        server.terminate()
        server.wait(PATIENCE)
