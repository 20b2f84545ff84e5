"""The plugin of the embedded node, compiled on this machine from the Java files in `plugin_source`.

Elastic does not publish its module of analyzers, but Lucene's are among the jars: the plugin offers
them under Elasticsearch's names, and `GET /`. The Eclipse compiler (`ecj`) runs on the node's own
Java runtime, so neither a JDK nor a binary in the repository is needed.

The first start compiles, in about 3 s. The result lies in the home folder under a name that its
sources, the versions and the runtime decide: after a change, nothing stale runs. Its SHA-256 is
recorded next to it and verified at each start.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from es_hybrid import files
from es_hybrid.errors import NodeError
from es_hybrid.node.artifacts import COMPILED, VERSION, class_path, compiler
from es_hybrid.node.java import MINIMUM, Java

SOURCE = Path(__file__).with_name("plugin_source")
_SUMS = "SHA256SUMS"
# Elasticsearch loads every folder in `plugins`, so the sums lie outside.
_JAR = "plugins/es-hybrid/es-hybrid.jar"
_DESCRIPTOR = "plugins/es-hybrid/plugin-descriptor.properties"
_LINES_SHOWN = 12
_DESCRIPTION = f"""\
name=es-hybrid
description=Language analyzers and GET / for the embedded node
version={VERSION}
elasticsearch.version={VERSION}
java.version={MINIMUM}
classname=eshybrid.EmbeddedPlugin
"""


def install_plugin(home: Path, java: Java, report: Callable[[str], None]) -> Path:
    """Verify the compiled plugin and compile it if it is missing or was changed.

    Args:
        home: The home folder, with its jars.
        java: The runtime to compile on.
        report: Called with a message before compiling.

    Returns:
        The folder that `PluginsLoader` reads.

    Raises:
        NodeError: the plugin cannot be compiled.
    """
    target = home / COMPILED / _key(java)
    if not _is_intact(target):
        target.parent.mkdir(exist_ok=True)
        # A concurrent first start waits here, and then finds the result.
        with files.locked_for_appending(target.with_suffix(".lock")):
            if not _is_intact(target):
                report("compiling the language analyzers once")
                _compile(target, home, java)
    return target / "plugins"


def _key(java: Java) -> str:
    """A name that changes with everything that decides what the compiler writes."""
    digest = hashlib.sha256(f"{_DESCRIPTION}{compiler().sha256}{java.feature}".encode())
    for source in _sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _sources() -> list[Path]:
    return sorted(SOURCE.glob("*.java"))


def _is_intact(target: Path) -> bool:
    """Whether the folder has the files of its sums, unchanged, and no other."""
    try:
        sums = (target / _SUMS).read_text(encoding="utf-8")
        found = {str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir()}
        return found == {_SUMS, _JAR, _DESCRIPTOR} and sums == _sums(target)
    except OSError:
        return False


def _sums(folder: Path) -> str:
    """The sums of the files, in the format of `sha256sum`."""
    return "".join(
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in (_JAR, _DESCRIPTOR)
    )


def _compile(target: Path, home: Path, java: Java) -> None:
    """Compile into a draft, and rename that to the target."""
    with tempfile.TemporaryDirectory(prefix="draft-", dir=target.parent) as folder:
        classes, draft = Path(folder, "classes"), Path(folder, "draft")
        _run_compiler(classes, home, java)
        (draft / _JAR).parent.mkdir(parents=True)
        with zipfile.ZipFile(draft / _JAR, "w") as jar:
            for path in sorted(classes.rglob("*.class")):
                jar.write(path, path.relative_to(classes))
        (draft / _DESCRIPTOR).write_text(_DESCRIPTION, encoding="utf-8")
        (draft / _SUMS).write_text(_sums(draft), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)


def _run_compiler(classes: Path, home: Path, java: Java) -> None:
    command = [
        str(java.home / "bin" / "java"),
        "-XX:TieredStopAtLevel=1",  # it runs too briefly for the optimizing compiler
        *("-jar", str(home / compiler().place)),
        *(f"-{MINIMUM}", "-proc:none", "-nowarn", "-encoding", "UTF-8"),
        *("-classpath", os.pathsep.join(class_path(home))),
        *("-d", str(classes)),
        *map(str, _sources()),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as error:
        raise _failed(java, f"{error.filename}: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        lines = (error.stderr + error.stdout).strip().splitlines()
        raise _failed(java, "\n  ".join(lines[:_LINES_SHOWN])) from None


def _failed(java: Java, why: str) -> NodeError:
    return NodeError(
        f"the plugin of the embedded node cannot be compiled on Java {java.version}: {why}",
        place=str(SOURCE),
        remedy="unset JAVA_HOME to use the runtime of the `local` extra, "
        "or reinstall es-hybrid if these files were changed",
    )
