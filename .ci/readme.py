"""Run "Your own products" of README.md as a newcomer would: in a fresh environment, on a CSV.

    python3 .ci/readme.py

Copies the checkout to a temporary folder, so that nothing is written into this one. Installs with
the versions of constraints.txt. The node has a data folder of its own and is stopped at the end.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS = ("sku", "title", "description", "brand", "category", "price", "currency")
# Title of a sample product that the search of the block must find.
FOUND = "Men's Ice Silk Short-Sleeve T-Shirt"


def main() -> None:
    """Run the console block line by line, then the Python block."""
    section = (ROOT / "README.md").read_text("utf-8").split("\n## ")[1]
    commands = re.findall(r"^\$ (.+?)(?:\s+#.*)?$", section, re.MULTILINE)
    (program,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        checkout = scratch / "es-hybrid"
        copy_checkout(checkout)
        write_products(checkout / "products.csv")
        venv.create(scratch / "venv", with_pip=True)
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "PATH": f"{scratch / 'venv/bin'}:{os.environ['PATH']}",
            "PIP_CONSTRAINT": str(checkout / "constraints.txt"),
            "XDG_DATA_HOME": str(scratch / "data"),
        }
        outputs = []
        try:
            for command in [*commands, f"python - <<'EOF'\n{program}EOF"]:
                outputs.append(run(command, checkout, environment))
        finally:
            run("es-hybrid node stop", checkout, environment)
    for output in outputs[-2:]:  # the searches of both blocks
        if FOUND not in output:
            sys.exit(f"the search does not find {FOUND!r}")


def run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Run one line in a shell; returns what it prints."""
    started = time.monotonic()
    print(f"$ {command}", flush=True)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    print(f"{done.stdout}({time.monotonic() - started:.1f} s)\n", flush=True)
    done.check_returncode()
    return done.stdout


def copy_checkout(target: Path) -> None:
    """Copy the tracked files of the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for file in filter(None, listed.stdout.split("\0")):
        if (ROOT / file).exists():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, target / file)


def write_products(path: Path) -> None:
    """Write the English products of the sample catalogue as a CSV."""
    lines = (ROOT / "es_hybrid/data/products.jsonl").read_text("utf-8").splitlines()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for row in map(json.loads, lines) if row["lang"] == "en")


if __name__ == "__main__":
    main()
