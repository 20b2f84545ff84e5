"""The plugin of the embedded node: compiled once, verified, and compiled again after a change."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from es_hybrid.errors import NodeError
from es_hybrid.node import EmbeddedNode, plugin
from es_hybrid.node.artifacts import COMPILED, home_folder
from es_hybrid.node.java import Java, pick_java
from es_hybrid.node.plugin import install_plugin

COMPILING = ["compiling the language analyzers once"]


@pytest.fixture
def java() -> Java:
    return pick_java()


@pytest.fixture
def home(node: EmbeddedNode, tmp_path: Path) -> Path:
    """A copy of the home folder in use, with the compiled plugin."""
    return Path(shutil.copytree(home_folder(), tmp_path / "home"))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source folder with one small class, which compiles faster than the plugin."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Small.java").write_text("package eshybrid; final class Small {}\n")
    monkeypatch.setattr(plugin, "SOURCE", folder)
    return folder


def install(home: Path, java: Java) -> tuple[Path, list[str]]:
    said: list[str] = []
    return install_plugin(home, java, said.append), said


def test_a_later_start_compiles_nothing(home: Path, java: Java) -> None:
    plugins, said = install(home, java)
    assert said == []
    assert [folder.name for folder in plugins.iterdir()] == ["es-hybrid"]
    assert sorted(file.name for file in (plugins / "es-hybrid").iterdir()) == [
        "es-hybrid.jar",
        "plugin-descriptor.properties",
    ]


@pytest.mark.parametrize("change", ["bytes", "another file", "a missing file"])
def test_a_changed_plugin_is_compiled_again(
    home: Path, java: Java, source: Path, change: str
) -> None:
    folder = install(home, java)[0] / "es-hybrid"
    jar = folder / "es-hybrid.jar"
    size = jar.stat().st_size
    if change == "bytes":
        jar.write_bytes(jar.read_bytes()[:-9] + b"changed!!")
    elif change == "another file":
        (folder / "other.jar").write_bytes(b"")
    else:
        jar.unlink()
    assert install(home, java) == (folder.parent, COMPILING)
    assert jar.stat().st_size == size
    assert not (folder / "other.jar").exists()
    assert install(home, java) == (folder.parent, [])


def test_other_sources_or_another_runtime_have_a_folder_of_their_own(
    home: Path, java: Java, source: Path
) -> None:
    first = install(home, java)[0]
    assert plugin._key(java) != plugin._key(replace(java, version="21.0.1"))
    (source / "Small.java").write_text("package eshybrid; final class Small { int changed; }\n")
    second, said = install(home, java)
    assert said == COMPILING
    assert second != first
    assert first.is_dir()


def test_two_concurrent_first_starts_compile_once(home: Path, java: Java, source: Path) -> None:
    shutil.rmtree(home / COMPILED)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: install(home, java), range(2)))
    assert results[0][0] == results[1][0]
    assert sorted(said for _, said in results) == [[], COMPILING]
    folders = [path for path in (home / COMPILED).iterdir() if path.is_dir()]
    assert folders == [results[0][0].parent]  # no draft is left


def test_a_failure_to_compile_names_file_and_remedy(home: Path, java: Java, source: Path) -> None:
    (source / "Small.java").write_text("package eshybrid; final class Small {")
    with pytest.raises(NodeError, match=r"(?s)on Java 2.*Small\.java \(at line 1\)") as caught:
        install(home, java)
    assert caught.value.place == str(source)
    assert "reinstall es-hybrid" in caught.value.remedy
    assert not [path for path in (home / COMPILED).iterdir() if path.name.startswith("draft-")]


def test_a_runtime_without_a_launcher_is_named(home: Path, java: Java, tmp_path: Path) -> None:
    shutil.rmtree(home / COMPILED)
    with pytest.raises(NodeError, match=r"bin/java: No such file.*unset JAVA_HOME"):
        install(home, replace(java, home=tmp_path))
