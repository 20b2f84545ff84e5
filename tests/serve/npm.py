"""JavaScript packages for the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def npm_packages(request: pytest.FixtureRequest, name: str, *packages: str) -> Path:
    """A folder with these packages, installed once and kept in pytest's cache.

    Without npm the test is skipped on a developer's machine and fails in CI.

    Args:
        name: Name of the folder.
        packages: Each as `name@version`.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node and npm are needed in CI")
        pytest.skip("node and npm are not installed")
    folder = request.config.cache.mkdir(name)
    names = [package.rpartition("@")[0] for package in packages]
    if not all((folder / "node_modules" / each).is_dir() for each in names):
        subprocess.run(
            [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", *packages],
            check=True,
            timeout=300,
            capture_output=True,
        )
    return folder
