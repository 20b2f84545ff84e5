"""The jars: verified, laid out, never replaced by another file."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from es_hybrid.errors import MissingExtra, NodeError
from es_hybrid.node import EmbeddedNode, artifacts
from es_hybrid.node.artifacts import VERSION, class_path, home_folder, install, read_manifest
from tests.fakes.http import Answer, HttpServer, Request

DEAD_PROXY = "http://127.0.0.1:9"
JGO = "jgo", 'pip install ".[local]"'


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No network, and an empty Maven repository for the test."""
    repository = tmp_path / "maven"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, DEAD_PROXY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("M2_REPO", str(repository))
    return repository


@pytest.fixture
def filled(offline: Path, node: EmbeddedNode) -> Path:
    """That repository with all jars, from the home folder of the shared node."""
    for jar in read_manifest():
        place = offline / jar.path
        place.parent.mkdir(parents=True)
        place.symlink_to(home_folder() / jar.place)
    return offline


def test_the_manifest_names_each_jar_once_with_a_sha256() -> None:
    jars = read_manifest()
    assert len(jars) == len({jar.place for jar in jars}) == 54
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert f"org/elasticsearch/elasticsearch/{VERSION}/elasticsearch-{VERSION}.jar" in {
        jar.path for jar in jars
    }
    apart = [jar.name for jar in jars if jar.place.startswith("modules/")]
    assert len(apart) == 9
    assert all(name.startswith(("netty-", "transport-netty4-")) for name in apart)


def test_the_home_folder_in_use_is_complete(node: EmbeddedNode, offline: Path) -> None:
    said: list[str] = []
    install(home_folder(), said.append)
    assert said == []  # nothing was fetched
    descriptor = home_folder() / "modules/transport-netty4/plugin-descriptor.properties"
    assert "classname=org.elasticsearch.transport.netty4.Netty4Plugin" in descriptor.read_text()
    assert "modulename=" not in descriptor.read_text()


@pytest.fixture
def home(node: EmbeddedNode, offline: Path, tmp_path: Path) -> Path:
    """A copy of the home folder in use."""
    return Path(shutil.copytree(home_folder(), tmp_path / "home"))


def test_a_changed_jar_is_refused_by_name(home: Path) -> None:
    changed = home / "lib" / f"elasticsearch-core-{VERSION}.jar"
    changed.write_bytes(changed.read_bytes() + b"\0")
    with pytest.raises(NodeError, match=r"not the elasticsearch-core.*delete this file") as caught:
        install(home, lambda _: None)
    assert caught.value.place == str(changed)


@pytest.mark.parametrize(
    "place",
    [
        "lib/AAA.jar", "lib/.fetch-x.jar", "lib/tools/a.jar", "modules/transport-netty4/AAA.jar",
        "modules/transport-netty4/entitlement-policy.yaml", "modules/mine/a.properties",
        "plugins/mine/mine.jar", "native/libzstd.so", "config/jvm.options", "a.jar",
    ],
)  # fmt: skip
def test_an_added_file_is_refused_by_name(home: Path, place: str) -> None:
    added = home / place
    added.parent.mkdir(parents=True, exist_ok=True)
    added.write_bytes(b"")
    with pytest.raises(NodeError, match="not a part of Elasticsearch") as caught:
        install(home, lambda _: None)
    assert caught.value.place == str(added)
    assert "delete this file" in caught.value.remedy


@pytest.mark.parametrize("place", ["modules/mine", "native"])
def test_an_added_link_to_a_folder_is_refused(home: Path, tmp_path: Path, place: str) -> None:
    (home / place).symlink_to(tmp_path)
    with pytest.raises(NodeError, match="not a part of Elasticsearch") as caught:
        install(home, lambda _: None)
    assert caught.value.place == str(home / place)


def test_the_draft_of_another_process_is_ignored(home: Path) -> None:
    (home / ".fetch-x" / "repository").mkdir(parents=True)
    drafts = [home / ".fetch-x" / "repository" / "a.jar", home / ".fetch-y"]
    for draft in drafts:
        draft.write_bytes(b"")
    said: list[str] = []
    install(home, said.append)
    assert said == []
    assert all(draft.exists() for draft in drafts)


def test_the_class_path_has_the_jars_of_the_manifest_only(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "AAA.jar").write_bytes(b"")
    jars = class_path(tmp_path)
    assert len(jars) == 44
    assert str(tmp_path / "lib" / "AAA.jar") not in jars
    assert not [jar for jar in jars if "modules" in jar]


def test_two_concurrent_first_starts_lay_out_one_home(filled: Path, tmp_path: Path) -> None:
    pytest.importorskip(JGO[0], reason=JGO[1])
    home = tmp_path / "home"
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: install(home, said.append), range(2)))
    assert said[0] == f"downloading Elasticsearch {VERSION} once: 54 of 54 jars, 50 MB in total"
    jars = {home / jar.place: jar.sha256 for jar in read_manifest()}
    assert all(hashlib.sha256(jar.read_bytes()).hexdigest() == jars[jar] for jar in jars)
    assert set(home.rglob("*.jar")) == set(jars)
    assert sorted(entry.name for entry in home.iterdir()) == ["lib", "modules", "tools"]


def test_an_interrupted_layout_is_continued(filled: Path, tmp_path: Path) -> None:
    pytest.importorskip(JGO[0], reason=JGO[1])
    home = Path(shutil.copytree(home_folder(), tmp_path / "home"))
    (home / read_manifest()[0].place).unlink()
    said: list[str] = []
    install(home, said.append)
    assert said == [f"downloading Elasticsearch {VERSION} once: 1 of 54 jars, 50 MB in total"]
    assert (home / read_manifest()[0].place).is_file()


def test_a_wrong_jar_in_the_maven_repository_is_rejected(filled: Path, tmp_path: Path) -> None:
    pytest.importorskip(JGO[0], reason=JGO[1])
    jar = read_manifest()[0]
    (filled / jar.path).unlink()
    (filled / jar.path).write_bytes(b"something else")
    home = tmp_path / "home"
    with pytest.raises(NodeError, match=re.escape(jar.name)) as caught:
        install(home, lambda _: None)
    assert caught.value.place == str(filled / jar.path)
    assert not (home / jar.place).exists()


@pytest.fixture
def mirror(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Path, HttpServer]]:
    """A repository on loopback, named in jgo's settings: its folder and its server.

    The machine's own repository is empty, so all jars have to come from there.
    """

    def file(request: Request) -> Answer:
        path = filled / request.path.lstrip("/")
        return Answer(body=path.read_bytes()) if path.is_file() else Answer(404, b"")

    settings = tmp_path / "user" / ".config" / "jgo.conf"
    settings.parent.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "empty"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with HttpServer(file) as server:
        settings.write_text(f"[repositories]\nmirror = {server.url}\n")
        yield filled, server


def test_all_jars_come_from_the_users_own_repository(
    mirror: tuple[Path, HttpServer], tmp_path: Path
) -> None:
    pytest.importorskip(JGO[0], reason=JGO[1])
    install(tmp_path / "home", lambda _: None)
    jars = read_manifest()
    asked = {request.path for request in mirror[1].seen if request.path.endswith(".jar")}
    assert asked == {f"/{jar.path}" for jar in jars}
    assert all((tmp_path / "home" / jar.place).is_file() for jar in jars)
    assert not (tmp_path / "empty").exists()


def test_a_wrong_jar_from_a_repository_is_rejected(
    mirror: tuple[Path, HttpServer], tmp_path: Path
) -> None:
    pytest.importorskip(JGO[0], reason=JGO[1])
    jar = read_manifest()[0]
    (mirror[0] / jar.path).unlink()
    (mirror[0] / jar.path).write_bytes(b"<html>please log in</html>")
    with pytest.raises(NodeError, match="check the repository and the proxy") as caught:
        install(tmp_path / "home", lambda _: None)
    assert caught.value.place == jar.path
    assert not (tmp_path / "home" / jar.place).exists()


def test_a_first_start_without_a_network_fails(offline: Path, tmp_path: Path) -> None:
    pytest.importorskip(JGO[0], reason=JGO[1])
    with pytest.raises(NodeError, match=r"cannot be downloaded: .*[pP]roxy.*check the network"):
        install(tmp_path / "home", lambda _: None)


def test_without_jgo_the_extra_is_named(
    offline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "jgo"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jgo", None)
    with pytest.raises(MissingExtra, match=r'pip install "es-hybrid\[local\]"'):
        install(tmp_path / "home", lambda _: None)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_the_manifest_can_be_checked_with_coreutils(filled: Path) -> None:
    command = ["sha256sum", "--check", "--status", str(artifacts.MANIFEST)]
    assert subprocess.run(command, cwd=filled).returncode == 0
