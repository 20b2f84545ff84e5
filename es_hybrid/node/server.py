"""The child process: a JVM that runs one Elasticsearch node.

Run as `python -m es_hybrid.node.server SPEC`, where SPEC is a `NodeSpec` as JSON. The process
inherits the lock of its data folder from the launcher. It ends on SIGTERM or SIGINT, and when its
parent ends unless it is detached.
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
    """The arguments of the child process."""

    data: str
    version: str
    """Version of Elasticsearch."""
    heap: str
    libjvm: str
    java: str
    """Description of the runtime, for `node status`."""
    class_path: list[str]
    plugins: str
    """Folder of the plugins."""
    jvm_options: list[str]
    settings: dict[str, str]
    """All node settings, including paths."""
    parent: int
    """Process id of the launcher."""
    detached: bool
    """Keep running after the launcher ends, once the node is ready."""
    temporary: bool
    """Remove the data folder if the launcher dies."""


def main() -> None:
    """Run the node until a signal stops it. Does not return."""
    spec = NodeSpec(**json.loads(sys.argv[1]))
    # Until the node is ready there is nothing to close: a signal ends the process immediately.
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
    """Terminate this process when its parent dies, unless released first.

    Compares the parent's process id, which works on every Unix and for kill -9. A pipe from the
    parent would stay open in other children of the parent, and Linux's parent-death signal is sent
    when the parent's *thread* ends.
    """
    while os.getppid() == spec.parent:
        if released.wait(_POLL_S):
            return
    if spec.temporary and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        # Still starting: the signal ends the process before `main` can clean up.
        shutil.rmtree(spec.data, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _start(spec: NodeSpec) -> Any:
    """Start the JVM and the node; on failure print the cause last and end the process."""
    import jpype

    try:
        jpype.startJVM(spec.libjvm, *spec.jvm_options, classpath=spec.class_path)
        return _start_node(spec)
    except jpype.JException as error:
        sys.stderr.write(f"{error.stacktrace()}\nElasticsearch did not start: {_cause(error)}\n")
        _end(1)


def _start_node(spec: NodeSpec) -> Any:
    """Run the steps of Elasticsearch's bootstrap that a non-production node needs."""
    # Never `import org...`: JPype's package import opens the jars as file systems, and then
    # Elasticsearch's x-content loader fails with FileSystemAlreadyExistsException.
    from jpype import JClass

    java_map = JClass("java.util.HashMap")
    settings = JClass("org.elasticsearch.common.settings.Settings").builder()
    for name, value in spec.settings.items():
        settings.put(name, value)
    environment = JClass("org.elasticsearch.node.InternalSettingsPreparer").prepareEnvironment(
        settings.build(), java_map(), JClass("java.nio.file.Path").of(str(CONFIG)), None
    )
    JClass("org.elasticsearch.common.logging.LogConfigurator").configure(environment, True)
    loading = JClass("org.elasticsearch.plugins.PluginsLoader")
    modules = loading.loadModulesBundles(environment.modulesDir(), False)
    plugins = loading.loadPluginsBundles(JClass("java.nio.file.Path").of(spec.plugins), False)
    loader = loading.createPluginsLoader(modules, plugins, java_map(), False)
    return JClass("org.elasticsearch.node.Node")(environment, loader).start()


def _close(node: Any) -> None:
    """Stop the services and wait until the shards are written."""
    from jpype import JClass

    node.close()
    node.awaitClose(_CLOSE_S, JClass("java.util.concurrent.TimeUnit").SECONDS)


def _end(status: int) -> NoReturn:
    """Exit immediately: a normal exit would wait for Java threads."""
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
    """The root cause; the outer exceptions rarely add information."""
    while error.getCause() is not None:
        error = error.getCause()
    return f"{error.getClass().getSimpleName()}: {error.getMessage()}"


def to_argument(spec: NodeSpec) -> str:
    """Serialize the spec for `main`."""
    return json.dumps(asdict(spec))


if __name__ == "__main__":
    main()
