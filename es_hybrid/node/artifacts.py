"""The jars Elasticsearch is made of.

`jars.sha256` names each by its place in a Maven repository, with its SHA-256: it is at once the
list of what to fetch and what `sha256sum -c` reads. Nothing is resolved at run time, so no
dependency can drift.

The home folder fills jar by jar: each is fetched aside, checked, and renamed into its place. So
whatever stands under its name is whole, a start that was cut off is continued, and two first
starts at once do each other no harm. At every start all jars are hashed again, 46 MB in about
0.1 s of a start of several seconds, so a jar that was changed later does not run either.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_path

from es_hybrid.errors import MissingExtra, NodeError
from es_hybrid.node.state import APP

VERSION = "9.5.3"
MANIFEST = Path(__file__).with_name("jars.sha256")

# The transport is a plugin to Elasticsearch: it and its libraries stand apart from the others.
TRANSPORT = "transport-netty4"
_DESCRIPTOR = "plugin-descriptor.properties"
_CONNECTIONS = 4
_FETCH_ANEW = "delete that file and start again: it is then fetched anew"
_ASK_WHO_SENT_IT = "the repository, or a proxy on the way to it, sent something else: check them"


class Jar(NamedTuple):
    """One jar, known by its place in a Maven repository."""

    path: str
    """`org/elasticsearch/elasticsearch/9.5.3/elasticsearch-9.5.3.jar`"""
    sha256: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.rpartition("/")[2]

    @property
    def place(self) -> str:
        """Where it belongs, relative to the home folder."""
        transport = self.name.startswith((TRANSPORT, "netty-"))
        return f"modules/{TRANSPORT}/{self.name}" if transport else f"lib/{self.name}"


def home_folder() -> Path:
    """Where this version of Elasticsearch is laid out."""
    return user_cache_path(APP) / f"elasticsearch-{VERSION}"


def read_manifest(manifest: Path = MANIFEST) -> list[Jar]:
    """The jars with their hashes, in the form `sha256  path`."""
    lines = manifest.read_text(encoding="utf-8").splitlines()
    return [Jar(path, sha256) for sha256, path in (line.split() for line in lines)]


def install(home: Path, report: Callable[[str], None]) -> None:
    """Lay Elasticsearch out in `home`, or check what is there. Only the first time needs a network.

    Args:
        home: The folder; made when absent.
        report: Called with a sentence before anything that takes long.

    Raises:
        NodeError: a jar is not the one of the manifest, or cannot be fetched.
        MissingExtra: something is to be fetched and `jgo` is not installed.
    """
    jars = read_manifest()
    missing = []
    for jar in jars:
        try:
            _verify(home / jar.place, jar, place=home / jar.place, remedy=_FETCH_ANEW)
        except FileNotFoundError:
            missing.append(jar)
    if missing:
        report(
            f"downloading Elasticsearch {VERSION}, once: "
            f"{len(missing)} of {len(jars)} jars, 46 MB in all"
        )
        _fetch(missing, home)
    _lay_descriptor(home)


def _verify(file: Path, jar: Jar, *, place: Path | str, remedy: str) -> None:
    """Refuse a file whose content is not the jar's."""
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
    """Fetch jars side by side, each checked before it gets its name in `home`."""
    try:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ImportError:
        raise MissingExtra("the embedded Elasticsearch", "local") from None

    settings = GlobalSettings.load()
    home.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".fetch-", dir=home) as folder,
        ThreadPoolExecutor(_CONNECTIONS) as pool,
    ):
        # The machine's own Maven repository is read but never written: jgo writes a file in
        # place, and another process would take the half of it for the whole.
        # The user's own repositories come first: behind a firewall only they answer.
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
                _verify(draft, jar, place=jar.path, remedy=_ASK_WHO_SENT_IT)
            else:
                _verify(draft, jar, place=origin, remedy=_FETCH_ANEW)
            target = home / jar.place
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)

        try:
            for _ in pool.map(fetch, jars):
                pass
        except (OSError, RuntimeError) as error:
            # `requests` raises OSErrors, jgo a RuntimeError for what no repository has.
            raise NodeError(
                f"Elasticsearch {VERSION} cannot be downloaded: {error}",
                remedy="check the network and HTTPS_PROXY, and start again: "
                "what has arrived is kept",
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)  # a Ctrl-C does not wait for the jars in the queue


def _lay_descriptor(home: Path) -> None:
    """Put the transport's descriptor, which stands inside its jar, where Elasticsearch looks.

    Its `modulename` is left out: the jars are on the class path, not the module path.
    """
    folder = home / "modules" / TRANSPORT
    with zipfile.ZipFile(folder / f"{TRANSPORT}-{VERSION}.jar") as jar:
        text = jar.read(f"META-INF/es-plugins/{TRANSPORT}/{_DESCRIPTOR}").decode()
    lines = [line for line in text.splitlines() if not line.startswith("modulename=")]
    content = "\n".join(lines) + "\n"
    target = folder / _DESCRIPTOR
    if target.is_file() and target.read_text(encoding="utf-8") == content:
        return
    with tempfile.NamedTemporaryFile("w", dir=home, delete=False, encoding="utf-8") as draft:
        draft.write(content)
    Path(draft.name).replace(target)
