"""Build the wheel and the sdist, check them, and use the wheel as those who install it do.

    .venv/bin/python .ci/dist.py          # what CI does: bare, serve, local
    .venv/bin/python .ci/dist.py --all    # every extra, and the SBOM (minutes; PyTorch is 5 GB)

Installs the wheel into a clean environment, and each extra into one of its own that sees the first.
Nothing of the checkout is on the path. Writes to `dist`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from pathlib import Path

from sbom import write_sbom

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
MAX_MB = 60
PACKAGES = {"es_hybrid", "ingest", "mappings"}
INCLUDED = (
    "es_hybrid/py.typed", "ingest/py.typed", "mappings/py.typed", "mappings/products.json",
    "es_hybrid/data/products.jsonl", "es_hybrid/data/reranker/model.onnx",
    "es_hybrid/data/reranker/MODEL_CARD.md", "es_hybrid/node/jars.sha256",
    "es_hybrid/page/style.css", "licenses/LICENSE",
)  # fmt: skip
BARE = (
    "es-hybrid --version",
    "es-hybrid --help",
    "python -c 'import es_hybrid, ingest, mappings; es_hybrid.HybridSearch'",
)
# Command that needs an extra -> the extra that its error must name.
MISSING = {
    "es-hybrid node start": "local",
    "es-hybrid serve": "serve",
    "es-hybrid ui": "page",
    "es-hybrid eval run queries.tsv qrels.txt": "eval",
    "es-hybrid model export x y": "export",
    "es-hybrid ingest check book.xlsx": "xlsx",
    "python -c 'import ingest.load.on_ray'": "scale",
}
# Extra -> what it is for.
USES = {
    "serve": (
        "es-hybrid serve --port 18080 & server=$!; trap 'kill $server' EXIT; "
        "for _ in $(seq 300); do curl -s localhost:18080/healthz && exit 0; sleep 0.2; done; exit 1",
    ),
    "local": (
        "es-hybrid demo",
        "es-hybrid search --index demo 'red kettle'",
    ),
    "eval": ("python -c 'from es_hybrid.evaluation.measures import *'",),
    "page": ("python -c 'import gradio, es_hybrid.page.app'",),
    "scale": ("python -c 'import ingest.load.on_ray'",),
    "xlsx": ("es-hybrid ingest check book.xlsx",),
    "export": ("python -c 'import es_hybrid.reranking.export'",),
}
