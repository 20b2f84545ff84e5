"""The CycloneDX SBOM of a release.

Components are every distribution that es-hybrid requires with all extras but `gpu`, in the versions
of an environment, the bundled model, and the jars that `es-hybrid node start` downloads.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]
MODEL = "es_hybrid/data/reranker/model.onnx"
JARS = "es_hybrid/node/jars.sha256"
# Path in the Maven repository -> licence.
JAR_LICENCES = {
    "org/elasticsearch/": "AGPL-3.0-only OR SSPL-1.0 OR Elastic-2.0",
    "org/hdrhistogram/": "BSD-2-Clause OR CC0-1.0",
    "org/jruby/": "MIT",
    "net/sf/jopt-simple/": "MIT",
    "org/apache/": "Apache-2.0",
    "org/eclipse/jdt/": "EPL-2.0",
    "io/netty/": "Apache-2.0",
    "co/elastic/logging/": "Apache-2.0",
    "com/carrotsearch/": "Apache-2.0",
    "at/yawk/": "Apache-2.0",
}


def write_sbom(wheel: Path, target: Path, python: Path) -> None:
    """Write and validate the SBOM of a wheel.

    Args:
        python: Interpreter of the environment, which has all extras installed.
    """
    bom = _of_environment(target, python)
    root = bom["metadata"]["component"]["bom-ref"]
    edges = {each["ref"]: each for each in bom["dependencies"]}
    reached = _reachable(root, edges)
    bom["metadata"]["component"] |= {"hashes": [_sha256(wheel.read_bytes())]}
    bom["components"] = [each for each in bom["components"] if each["bom-ref"] in reached]
    bom["dependencies"] = [each for ref, each in edges.items() if ref in reached]
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read(JARS).decode().splitlines()
        further = [_model(archive), *(_jar(*line.split()) for line in lines)]
    bom["components"] += further
    edges[root].setdefault("dependsOn", []).extend(each["bom-ref"] for each in further)
    text = json.dumps(bom, indent=1, sort_keys=True)
    target.write_text(text + "\n", "utf-8")
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        sys.exit(f"{target.name} is no valid SBOM: {error}")
    print(f"{target.name}: {len(bom['components'])} components, valid CycloneDX 1.6")


def _of_environment(target: Path, python: Path) -> dict[str, Any]:
    """What cyclonedx-py finds in the environment, with es-hybrid as the root."""
    command = [
        sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible",
        "--no-validate", "--spec-version", "1.6", "--mc-type", "library",
        "--pyproject", ROOT / "pyproject.toml", "--output-file", target, python,
    ]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True)
    bom: dict[str, Any] = json.loads(target.read_text("utf-8"))
    return bom


def _reachable(root: str, edges: Mapping[str, Mapping[str, Any]]) -> set[str]:
    found, waiting = set[str](), [root]
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            waiting += edges[ref].get("dependsOn", ())
    return found


def _model(wheel: zipfile.ZipFile) -> dict[str, Any]:
    content = wheel.read(MODEL)
    manifest = json.loads(wheel.read(str(Path(MODEL).with_name("manifest.json"))))
    return {
        "bom-ref": MODEL,
        "type": "machine-learning-model",
        "name": "es-hybrid-small-reranker",
        "description": f"{MODEL} in the wheel, made by `{manifest['source']}`",
        "hashes": [_sha256(content)],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }


def _jar(sha256: str, path: str) -> dict[str, Any]:
    """A jar that the embedded node downloads, by its path in the Maven repository."""
    group, name, version, _ = path.rsplit("/", 3)
    return {
        "bom-ref": path,
        "type": "library",
        "group": group.replace("/", "."),
        "name": name,
        "version": version,
        "description": "Downloaded by `es-hybrid node start`; not in the wheel",
        "scope": "optional",
        "purl": f"pkg:maven/{group.replace('/', '.')}/{name}@{version}",
        "hashes": [{"alg": "SHA-256", "content": sha256}],
        "licenses": [{"expression": _licence(path)}],
    }


def _licence(path: str) -> str:
    return next(licence for start, licence in JAR_LICENCES.items() if path.startswith(start))


def _sha256(content: bytes) -> dict[str, str]:
    return {"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}
