"""What runs in the child process: one JVM with one Elasticsearch node in it.

Called as `python -m es_hybrid.node.server SPEC`, SPEC being a `NodeSpec` as JSON. The process
holds its data folder's lock from its first moment, inherited from the launcher. It ends on
SIGTERM or SIGINT, and with its parent unless it was started to outlive it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from es_hybrid.node.state import NodeState, remove_state, write_state

CONFIG = Path(__file__).with_name("config")
_POLL_S = 0.5
_CLOSE_S = 20


@dataclass(frozen=True, kw_only=True)
class NodeSpec:
    """Everything the child has to know."""

    home: str
    data: str
    version: str
    """Of Elasticsearch."""
    heap: str
    libjvm: str
    java: str
    """The runtime in words, for `node status`."""
    jvm_options: list[str]
    settings: dict[str, str]
    """All node settings, paths included."""
    parent: int
    """Process id of the launcher."""
    detached: bool
    """Outlive the launcher once the node is up."""
    temporary: bool
    """Remove the data folder if the launcher dies."""


def main() -> None:
    """Run the node until told to stop. Does not return."""
    spec = NodeSpec(**json.loads(sys.argv[1]))
    # Until the node is up there is nothing to close: a signal ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    released = threading.Event()
    threading.Thread(target=_end_with_parent, args=(spec, released), daemon=True).start()

    node = _start(spec)

    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    if spec.detached:
        released.set()
    write_state(Path(spec.data), _describe(spec, node))
    stop.wait()
    _close(node)
    remove_state(Path(spec.data))
    if spec.temporary and os.getppid() != spec.parent:
        shutil.rmtree(spec.data, ignore_errors=True)
    _end(0)


def _end_with_parent(spec: NodeSpec, released: threading.Event) -> None:
    """Terminate this process when its parent dies, unless released before.

    An orphan gets another parent: that holds for kill -9 too, and on every Unix. A pipe from the
    parent would stay open in whatever else the parent forked, and Linux's parent-death signal
    comes already when the parent's *thread* ends.
    """
    while os.getppid() == spec.parent:
        if released.wait(_POLL_S):
            return
    if spec.temporary and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        # Still starting: the signal ends the process before `main` could clear up.
        shutil.rmtree(spec.data, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _start(spec: NodeSpec) -> Any:
    """Start the JVM and the node; on failure end the process with the cause as its last line."""
    import jpype

    try:
        jpype.startJVM(
            spec.libjvm,
            *spec.jvm_options,
            classpath=sorted(str(jar) for jar in Path(spec.home, "lib").glob("*.jar")),
        )
        return _start_node(spec)
    except jpype.JException as error:
        sys.stderr.write(f"{error.stacktrace()}\nElasticsearch did not start: {_cause(error)}\n")
        _end(1)


def _start_node(spec: NodeSpec) -> Any:
    """The steps of Elasticsearch's own bootstrap, less what only a production node needs."""
    # Never `import org...`: JPype's package import opens the jars as file systems, on which
    # Elasticsearch's x-content loader then stumbles (FileSystemAlreadyExistsException).
    from jpype import JClass

    java_map = JClass("java.util.HashMap")
    settings = JClass("org.elasticsearch.common.settings.Settings").builder()
    for name, value in spec.settings.items():
        settings.put(name, value)
    environment = JClass("org.elasticsearch.node.InternalSettingsPreparer").prepareEnvironment(
        settings.build(), java_map(), JClass("java.nio.file.Path").of(str(CONFIG)), None
    )
    JClass("org.elasticsearch.common.logging.LogConfigurator").configure(environment, True)
    plugins = JClass("org.elasticsearch.plugins.PluginsLoader")
    modules = plugins.loadModulesBundles(environment.modulesDir(), False)
    no_plugins = JClass("java.util.HashSet")()
    loader = plugins.createPluginsLoader(modules, no_plugins, java_map(), False)
    return JClass("org.elasticsearch.node.Node")(environment, loader).start()


def _close(node: Any) -> None:
    """Stop the services, then wait for the shards to be written out."""
    from jpype import JClass

    node.close()
    node.awaitClose(_CLOSE_S, JClass("java.util.concurrent.TimeUnit").SECONDS)


def _end(status: int) -> NoReturn:
    """Leave at once: Python's own way out would wait for Java's threads."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _describe(spec: NodeSpec, node: Any) -> NodeState:
    from jpype import JClass

    transport = node.injector().getInstance(JClass("org.elasticsearch.http.HttpServerTransport"))
    port = int(transport.boundAddress().publishAddress().getPort())
    return NodeState(
        pid=os.getpid(),
        port=port,
        url=f"http://127.0.0.1:{port}",
        version=spec.version,
        java=spec.java,
        heap=spec.heap,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _cause(error: Any) -> str:
    """The innermost cause: the outer ones mostly say that something failed inside."""
    while error.getCause() is not None:
        error = error.getCause()
    return f"{error.getClass().getSimpleName()}: {error.getMessage()}"


def to_argument(spec: NodeSpec) -> str:
    """The spec as `main` reads it."""
    return json.dumps(asdict(spec))


if __name__ == "__main__":
    main()
