"""A vLLM that serves a checkpoint of Qwen3-Reranker, started for a benchmark."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import numpy as np
from numpy.typing import NDArray

from es_hybrid.reranking.remote import RemoteReranker
from es_hybrid.reranking.template import QWEN3
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

# The causal checkpoint as a classifier whose weights are those of the two answers.
# https://docs.vllm.ai/en/v0.10.2/examples/offline_inference/qwen3_reranker.html
_OVERRIDES = {
    "architectures": ["Qwen3ForSequenceClassification"],
    "classifier_from_token": ["no", "yes"],
    "is_original_qwen3_reranker": True,
}
# Seconds for vLLM to start, and for one request.
_START, _REQUEST = 180.0, 60.0


def find_vllm(path: str) -> str | None:
    """The command `vllm`: that path, or the one on the PATH."""
    return path or shutil.which("vllm")


@contextmanager
def vllm_server(
    command: str, checkpoint: Path
) -> Iterator[Callable[[str, Sequence[str]], NDArray[np.float32]]]:
    """Start vLLM on a free port; yields what scores documents with it."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    arguments = [
        command, "serve", str(checkpoint), "--host", "127.0.0.1", "--port", str(port),
        "--served-model-name", "reranker", "--runner", "pooling", "--dtype", "float16",
        "--max-model-len", "2048", "--gpu-memory-utilization", "0.3",
        "--hf-overrides", json.dumps(_OVERRIDES),
    ]  # fmt: skip
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not _answers(f"http://127.0.0.1:{port}/health", process):
                log.seek(0)
                sys.exit(f"vLLM does not start:\n{log.read()[-3000:]}")
            url = f"http://127.0.0.1:{port}/v1/rerank"
            with closing(
                RemoteReranker(
                    url, model="reranker", form="cohere", timeout=_REQUEST, batch_size=512
                )
            ) as reranker:
                yield lambda query, documents: reranker.score(
                    *QWEN3.sent(query, documents, DEFAULT_INSTRUCTION)
                )
        finally:
            process.terminate()
            process.wait(_REQUEST)


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether the server answers before it ends or its time is up."""
    deadline = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx2.get(url, timeout=5.0).is_success:
                return True
        except httpx2.RequestError:
            time.sleep(0.5)
    return False
