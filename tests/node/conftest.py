"""Nodes that live for seconds only."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def quick_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the JVM's optimising compiler: it takes half of a start and pays off much later.

    The shared node, which starts before this holds, has it.
    """
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")
