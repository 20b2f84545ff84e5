"""The command as a shop types it: another process in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.embedding import EmbeddingServer


@dataclass
class Shell:
    """Runs `es-hybrid` in a folder.

    Attributes:
        variables: Settings, as `INGEST__LEDGER_DIR`.
    """

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, url: str, index: str, server: EmbeddingServer, **more: str) -> Shell:
        """Before a cluster and an embedding server."""
        variables = {
            "ELASTICSEARCH__URL": url,
            "INDEX__NAME": index,
            "EMBEDDING__BASE_URL": server.url,
            "INGEST__DEFAULT_LANG": "en",
            "INGEST__BAD_PRICE": "reject",
        }
        return cls(folder, variables | more)

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """The finished command."""
        finished = subprocess.run(
            _command(arguments), cwd=self.folder, env=self.environment(), input=stdin,
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The running command; its output is piped."""
        return subprocess.Popen(
            _command(arguments), cwd=self.folder, env=self.environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """This process's, with the settings and no others."""
        inherited = {name: text for name, text in os.environ.items() if "ES_HYBRID" not in name}
        return inherited | {f"ES_HYBRID_{name}": text for name, text in self.variables.items()}


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-c", "from es_hybrid.cli import main; main()", *arguments]


def error_of(stderr: str) -> str:
    """The one message a failed run ends with."""
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, stderr
    assert stderr.splitlines()[-1] == errors[0]
    return errors[0].removeprefix("error: ")
