"""The system's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import Browser, Playwright


def launch(playwright: Playwright) -> Browser:
    """A started browser. Without one the test is skipped, except in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and os.environ.get("CI") != "true":
        pytest.skip("no chromium here; Debian's is `apt-get install chromium`")
    # Root can start it only without its sandbox.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=arguments)
