"""Build the wheel and the sdist, check them, and use the wheel as those who install it do.

    .venv/dist/bin/python .ci/dist.py serve local           # what CI does
    .venv/dist/bin/python .ci/dist.py --sbom serve local …  # `make dist`: all extras but `gpu`

Writes to `dist`. The SBOM is that of `.venv`, which `make` fills with all extras. The wheel has an
environment of its own, and each extra one that adds to it, with the versions of constraints.txt.
"""

from __future__ import annotations

import argparse
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
MAX_BYTES = 60_000_000
PACKAGES = {"es_hybrid", "ingest", "mappings"}
INCLUDED = (
    "es_hybrid/py.typed", "ingest/py.typed", "mappings/py.typed", "mappings/products.json",
    "es_hybrid/data/products.jsonl", "es_hybrid/data/encoder/graph.onnx",
    "es_hybrid/data/reranker/model.onnx", "es_hybrid/data/reranker/MODEL_CARD.md",
    "es_hybrid/node/jars.sha256",
    "es_hybrid/node/plugin_source/EmbeddedPlugin.java", "es_hybrid/page/style.css",
    "/licenses/LICENSE",
)  # fmt: skip

ES_HYBRID = "python -m es_hybrid"
BARE = (
    "es-hybrid --version",
    "es-hybrid --help",
    "python -c 'import es_hybrid, ingest, mappings; es_hybrid.HybridSearch'",
)
WORKBOOK = f"{ES_HYBRID} ingest check book.xlsx"
EMPTY_WORKBOOK = 'import zipfile; zipfile.ZipFile("book.xlsx", "w").writestr("x", "")'
# By its module, as a load asks for Ray only once the cluster has answered.
RAY = "python -c 'import ingest.load.on_ray'"
# What needs an extra -> the extra that its error must name.
MISSING = {
    f"{ES_HYBRID} node start": "local",
    f"{ES_HYBRID} serve": "serve",
    f"{ES_HYBRID} ui": "page",
    f"{ES_HYBRID} eval run queries.tsv qrels.txt": "eval",
    f"{ES_HYBRID} model export original folder": "export",
    f"python -c '{EMPTY_WORKBOOK}'; {WORKBOOK}": "xlsx",
    RAY: "scale",
}
# Starts a server in $1, asks for $2 until it answers, and stops it.
ANSWERS = """
$1 & server=$!
for _ in $(seq 300); do
    python -c "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])" $2 2> log && break
    kill -0 $server && sleep 0.2
done || { cat log; exit 1; }
kill $server && wait $server
"""
MEASURE = """
from es_hybrid.evaluation.measures import measure
print(measure({"q": {"a": 1.0}}, {"q": {"a": 1}}))
"""
MAKE_WORKBOOK = """
import openpyxl
book = openpyxl.Workbook()
for row in (["id", "title"], ["1", "red kettle"]):
    book.active.append(row)
book.save("book.xlsx")
"""
# Extra -> what shows that it works.
USES = {
    "serve": [
        f"set -- '{ES_HYBRID} serve --port 18080' http://127.0.0.1:18080/healthz\n{ANSWERS}",
    ],
    "local": [f"{ES_HYBRID} demo"],
    "page": [f"set -- '{ES_HYBRID} ui --port 18081' http://127.0.0.1:18081/\n{ANSWERS}"],
    "eval": [f"python -c '{MEASURE}'"],
    "xlsx": [f"python -c '{MAKE_WORKBOOK}'", WORKBOOK],
    "scale": [RAY],
    "export": ["python -c 'import es_hybrid.reranking.export, es_hybrid.reranking.reference'"],
}


def main() -> None:
    """Build, check, install, use."""
    parser = argparse.ArgumentParser()
    parser.add_argument("extras", nargs="*", choices=USES)
    parser.add_argument("--sbom", action="store_true")
    options = parser.parse_args()
    wheel = build()
    check(wheel)
    if options.sbom:
        write_sbom(wheel, DIST / "es-hybrid.cdx.json", ROOT / ".venv/bin/python")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        bare = Environment(scratch / "bare")
        bare.install(str(wheel))
        for command in BARE:
            bare.run(command)
        for command, extra in MISSING.items():
            bare.refuses(command, extra)
        for extra in options.extras:
            added = Environment(scratch / extra, over=bare)
            added.install(f"es-hybrid[{extra}]")
            try:
                for command in USES[extra]:
                    added.run(command)
            finally:
                if extra == "local":
                    added.run(f"{ES_HYBRID} node stop")


def build() -> Path:
    """The wheel, built from the sdist; it must be what the checkout builds."""
    shutil.rmtree(DIST, ignore_errors=True)
    python_m("build", "--no-isolation", "--outdir", DIST, ROOT)
    (wheel,) = DIST.glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        python_m("build", "--no-isolation", "--wheel", "--outdir", folder, ROOT)
        (direct,) = Path(folder).glob("*.whl")
        if differing := contents(direct).items() ^ contents(wheel).items():
            sys.exit(f"the checkout builds another wheel than the sdist: {sorted(differing)[:5]}")
    return wheel


def check(wheel: Path) -> None:
    """Size, contents and metadata."""
    python_m("twine", "check", "--strict", *DIST.iterdir())
    names = list(contents(wheel))
    size = wheel.stat().st_size
    missing = [part for part in INCLUDED if not any(name.endswith(part) for name in names)]
    tops = {name.partition("/")[0] for name in names}
    others = {top for top in tops - PACKAGES if not top.endswith(".dist-info")}
    print(f"{wheel.name}: {size / 1e6:.1f} MB, {len(names)} files")
    if missing or others or size > MAX_BYTES:
        sys.exit(f"{wheel.name}: lacks {missing}, has {others}, {size} bytes")


def contents(wheel: Path) -> dict[str, int]:
    """Each file and its checksum."""
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist()}


def python_m(module: str, *arguments: object) -> None:
    """Run a module of this environment."""
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True, cwd=ROOT)


class Environment:
    """A virtual environment, and commands that run in its folder.

    Args:
        folder: Created.
        over: An environment whose packages this one has, too.
    """

    def __init__(self, folder: Path, *, over: Environment | None = None) -> None:
        venv.create(folder, with_pip=True)
        self._folder = folder
        self.packages = next(folder.glob("lib/python*/site-packages"))
        if over is not None:
            (self.packages / "over.pth").write_text(f"{over.packages}\n", "utf-8")
        self._variables = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
            "XDG_DATA_HOME": str(folder / "data"),
        }
        if over is not None and folder.name != "local":  # no encoder, so that none is looked for
            self._variables["ES_HYBRID_EMBEDDING__BASE_URL"] = "http://127.0.0.1:9/v1"

    def install(self, what: str) -> None:
        """Install it with what it requires."""
        self.run(f"python -m pip --disable-pip-version-check install --quiet '{what}'")

    def run(self, command: str) -> None:
        """Run a command in a shell; it must succeed."""
        done, seconds = self._run(command)
        print(f"({self._folder.name}) $ {command.strip()}\n{done.stdout[-2000:]}({seconds:.1f} s)")
        if done.returncode:
            sys.exit(f"{done.stderr}exit status {done.returncode}")

    def refuses(self, command: str, extra: str) -> None:
        """Run a command whose error must name the extra."""
        done, _ = self._run(command)
        said = f'pip install "es-hybrid[{extra}]"'
        lines = [line for line in (done.stdout + done.stderr).splitlines() if said in line]
        print(f"({self._folder.name}) $ {command}\n" + "\n".join(lines))
        if done.returncode == 0 or not lines or ("Traceback" in done.stderr and command != RAY):
            sys.exit(f"{done.stderr}exit status {done.returncode}: must name the extra {extra}")

    def _run(self, command: str) -> tuple[subprocess.CompletedProcess[str], float]:
        started = time.monotonic()
        done = subprocess.run(
            ["bash", "-c", command], cwd=self._folder, env=self._variables,
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done, time.monotonic() - started


if __name__ == "__main__":
    main()
