"""Short-lived nodes."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def quick_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the JVM's optimizing compiler, which takes half of the time of a start.

    The shared node starts before this fixture and keeps it.
    """
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
