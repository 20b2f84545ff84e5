"""The way to Elasticsearch: one origin, a pool of connections, bytes passed on as they are.

origin      the address, and our own credentials for it
headers     which headers go on
connection  one connection, one exchange at a time
pool        the connections, kept for the next request
relay       a caller's request passed through, both ways, as it streams
"""

from __future__ import annotations

from es_hybrid.serve.upstream.connection import UpstreamError
from es_hybrid.serve.upstream.origin import Origin
from es_hybrid.serve.upstream.pool import Pool

__all__ = ["Origin", "Pool", "UpstreamError"]
