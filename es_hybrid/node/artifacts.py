"""The Elasticsearch jars: download, verification and layout.

`jars.sha256` lists each jar by its path in a Maven repository and its SHA-256, in the format of
`sha256sum -c`. No dependency is resolved at run time, so none can drift.

Each jar is downloaded to a temporary file, verified, and renamed into the home folder. So every jar
there is complete, an interrupted download resumes, and two concurrent first starts do not conflict.
Every start verifies all jars again, which takes about 0.1 s for 50 MB, and refuses any other file,
so nothing that was changed or added later runs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from es_hybrid.errors import MissingExtra, NodeError
from es_hybrid.node.state import APP

VERSION = "9.5.3"
MANIFEST = Path(__file__).with_name("jars.sha256")

# The transport is an Elasticsearch plugin: it and its libraries have a folder of their own.
TRANSPORT = "transport-netty4"
_TRANSPORT_FOLDER = f"modules/{TRANSPORT}"
_DESCRIPTOR = f"{_TRANSPORT_FOLDER}/plugin-descriptor.properties"
# Folder of the compiled plugins in the home folder. `plugin.py` verifies the one that runs.
COMPILED = "compiled"
# Start of the names, in the home folder, of what this or another process has not completed yet.
# Elasticsearch reads nothing of such a name there.
_DRAFT = ".fetch-"
_CONNECTIONS = 4
_DELETE_IT = "delete this file and start again to download it"
_CHECK_REPOSITORY = "check the repository and the proxy: one of them sent another file"


class Jar(NamedTuple):
    """One jar, identified by its path in a Maven repository."""

    path: str
    """`org/elasticsearch/elasticsearch/9.5.3/elasticsearch-9.5.3.jar`"""
    sha256: str

    @property
    def name(self) -> str:
        """The file name."""
        return self.path.rpartition("/")[2]

    @property
    def place(self) -> str:
        """Its path relative to the home folder."""
        if self.name.startswith("ecj-"):
            return f"tools/{self.name}"
        transport = self.name.startswith((TRANSPORT, "netty-"))
        return f"{_TRANSPORT_FOLDER if transport else 'lib'}/{self.name}"


def home_folder() -> Path:
    """The home folder of this version of Elasticsearch."""
    return user_cache_path(APP) / f"elasticsearch-{VERSION}"


def read_manifest(manifest: Path = MANIFEST) -> list[Jar]:
    """Parse lines of the form `sha256  path`."""
    lines = manifest.read_text(encoding="utf-8").splitlines()
    return [Jar(path, sha256) for sha256, path in (line.split() for line in lines)]


def class_path(home: Path) -> list[str]:
    """The jars that the node's JVM loads; Elasticsearch itself loads those of its modules."""
    return [str(home / jar.place) for jar in read_manifest() if jar.place.startswith("lib/")]


def compiler() -> Jar:
    """The Java compiler."""
    return next(jar for jar in read_manifest() if jar.place.startswith("tools/"))


def install(home: Path, report: Callable[[str], None]) -> None:
    """Verify the jars in `home` and download missing ones. Only the first call needs a network.

    Args:
        home: The folder; created if missing.
        report: Called with a message before a long operation.

    Raises:
        NodeError: a jar differs from the manifest or cannot be downloaded, or the folder has
            another file.
        MissingExtra: a download needs `jgo`, which is not installed.
    """
    jars = read_manifest()
    _refuse_others(home, {_DESCRIPTOR, *(jar.place for jar in jars)})
    missing = []
    for jar in jars:
        try:
            _verify(home / jar.place, jar, place=home / jar.place, remedy=_DELETE_IT)
        except FileNotFoundError:
            missing.append(jar)
    if missing:
        report(
            f"downloading Elasticsearch {VERSION} once: "
            f"{len(missing)} of {len(jars)} jars, 50 MB in total"
        )
        _fetch(missing, home)
    _write_descriptor(home)


def _refuse_others(home: Path, expected: AbstractSet[str]) -> None:
    """Check that the folder has no file besides the expected ones, drafts and plugins."""
    for folder, folders, files in os.walk(home):
        # A link to a folder is listed as a folder, and not followed.
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*files, *links):
            place = Path(folder, name).relative_to(home)
            top = place.parts[0]
            if str(place) not in expected and top != COMPILED and not top.startswith(_DRAFT):
                raise NodeError(
                    "this file is not a part of Elasticsearch and might run with it",
                    place=str(home / place),
                    remedy="delete this file and start again",
                )


def _verify(file: Path, jar: Jar, *, place: Path | str, remedy: str) -> None:
    """Check that the file has the SHA-256 of the jar."""
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != jar.sha256:
        raise NodeError(
            f"this is not the {jar.name} that es-hybrid was tested with "
            f"(SHA-256 {found[:16]}…, expected {jar.sha256[:16]}…)",
            place=str(place),
            remedy=remedy,
        )


def _fetch(jars: Iterable[Jar], home: Path) -> None:
    """Download jars in parallel; verify each before it is renamed into `home`."""
    try:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ImportError:
        raise MissingExtra("the embedded Elasticsearch", "local") from None

    settings = GlobalSettings.load()
    home.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=_DRAFT, dir=home) as folder,
        ThreadPoolExecutor(_CONNECTIONS) as pool,
    ):
        # Never write to the machine's own Maven repository: jgo writes in place, so another process
        # could read an incomplete file.
        # Try the user's own repositories first: behind a firewall only they answer.
        context = MavenContext(
            repo_cache=Path(folder) / "repository",
            local_repos=[settings.repo_cache],
            remote_repos={**settings.repositories, "central": MAVEN_CENTRAL_URL},
        )

        def fetch(jar: Jar) -> None:
            group, artifact, version, _ = jar.path.rsplit("/", 3)
            project = context.project(group.replace("/", "."), artifact)
            origin = project.at_version(version).artifact().resolve()
            draft = Path(shutil.copy(origin, folder))
            if origin.is_relative_to(folder):
                _verify(draft, jar, place=jar.path, remedy=_CHECK_REPOSITORY)
            else:
                _verify(draft, jar, place=origin, remedy=_DELETE_IT)
            target = home / jar.place
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)

        try:
            for _ in pool.map(fetch, jars):
                pass
        except (OSError, RuntimeError) as error:
            # `requests` raises OSErrors; jgo raises RuntimeError if no repository has the jar.
            raise NodeError(
                f"Elasticsearch {VERSION} cannot be downloaded: {error}",
                remedy="check the network and HTTPS_PROXY, and start again; "
                "completed downloads are kept",
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)  # Ctrl-C must not wait for queued jars


def _write_descriptor(home: Path) -> None:
    """Copy the transport's descriptor out of its jar, to where Elasticsearch looks for it.

    Omits `modulename`: the jars are on the class path, not on the module path.
    """
    target = home / _DESCRIPTOR
    with zipfile.ZipFile(target.with_name(f"{TRANSPORT}-{VERSION}.jar")) as jar:
        text = jar.read(f"META-INF/es-plugins/{TRANSPORT}/{target.name}").decode()
    lines = [line for line in text.splitlines() if not line.startswith("modulename=")]
    content = "\n".join(lines) + "\n"
    if target.is_file() and target.read_text(encoding="utf-8") == content:
        return
    with tempfile.NamedTemporaryFile(
        "w", dir=home, prefix=_DRAFT, delete=False, encoding="utf-8"
    ) as draft:
        draft.write(content)
    Path(draft.name).replace(target)
