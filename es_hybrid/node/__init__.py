"""A real Elasticsearch node on this machine, for evaluation, development and tests.

It needs neither Docker nor an installed Java: the jars come from Maven Central once, the Java
runtime from PyPI. It listens on loopback only, without users or TLS, and lacks the modules that
Elastic does not publish (see docs/node.md), so it is not for production.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from es_hybrid.node.embedded import EmbeddedNode

__all__ = ["EmbeddedNode"]


def __getattr__(name: str) -> Any:
    """Load `EmbeddedNode` on first use, so that `node.state` imports quickly."""
    if name == "EmbeddedNode":
        from es_hybrid.node.embedded import EmbeddedNode

        return EmbeddedNode
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
