"""Look up every version of constraints.txt in a database of known vulnerabilities.

    .venv/bin/python .ci/audit.py

Fails on a finding only: a machine that cannot reach the database says so, and for which packages.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"


def main() -> None:
    """Run pip-audit, print what it found, and exit with 1 if that is a vulnerability."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(CONSTRAINTS), "--no-deps",
        "--disable-pip", "--progress-spinner", "off", "--format", "json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout:
        print(done.stderr.strip())
        print("NOT CHECKED for known vulnerabilities: the database cannot be reached")
        return
    dependencies = json.loads(done.stdout)["dependencies"]
    print("\n".join(summary(dependencies)))
    sys.exit(any(dependency.get("vulns") for dependency in dependencies))


def summary(dependencies: list[dict[str, Any]]) -> list[str]:
    """One line for each vulnerability, then how many packages were checked."""
    found = [
        f"{dependency['name']} {dependency['version']}: {vulnerability['id']}, "
        f"fixed in {', '.join(vulnerability['fix_versions']) or 'no version'}"
        for dependency in dependencies
        for vulnerability in dependency.get("vulns", ())
    ]
    skipped = [dependency["name"] for dependency in dependencies if "skip_reason" in dependency]
    checked = len(dependencies) - len(skipped)
    lines = [*found, f"{checked} packages checked, {len(found)} known vulnerabilities"]
    if skipped:
        lines.append(
            f"NOT CHECKED, as the database does not have them: {len(skipped)} packages "
            f"({', '.join(skipped)})"
        )
    return lines


if __name__ == "__main__":
    main()
