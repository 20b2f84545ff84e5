"""Query a running node without a client library.

Uses `http.client`: importing the Elasticsearch client would add a third of a second to each start,
and `urllib` would send requests for 127.0.0.1 to a configured proxy.
"""

from __future__ import annotations

import http.client
import json
import shutil
from pathlib import Path
from typing import Any

from es_hybrid.errors import NodeError


def ask(port: int, path: str, timeout: float = 5.0) -> Any:
    """GET a path and return the JSON response, whatever its status.

    Args:
        port: Port on 127.0.0.1.
        path: Path and query string.
        timeout: Seconds.

    Raises:
        NodeError: the node does not respond with JSON.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NodeError(
            f"the node does not respond ({type(error).__name__}: {error})",
            place=f"http://127.0.0.1:{port}",
            remedy="see `es-hybrid node logs`",
        ) from None
    finally:
        connection.close()


def await_primaries(port: int, seconds: int) -> str | None:
    """Wait until a master is elected and every primary shard is active.

    Args:
        port: Port on 127.0.0.1.
        seconds: Maximum wait.

    Returns:
        `green` or `yellow`; `red` after the maximum wait; None if there is no master.
    """
    limits = f"timeout={seconds}s&master_timeout={seconds}s"
    health = ask(port, f"/_cluster/health?wait_for_status=yellow&{limits}", timeout=seconds + 5)
    status = health.get("status")
    return status if isinstance(status, str) else None


def why_not_green(port: int) -> str:
    """The cluster health: `green`, or the status and what is missing."""
    health = ask(port, "/_cluster/health")
    status = health.get("status")
    if not isinstance(status, str):  # the status of an error is a number
        return "red: no master is elected"
    if status == "green":
        return "green"
    if status == "yellow":
        return f"yellow: {health['unassigned_shards']} replica shards need a second node"
    columns = "index,shard,prirep,state,unassigned.reason"
    lost = [
        f"{shard['index']}[{shard['shard']}] is {shard['state']} ({shard['unassigned.reason']})"
        for shard in ask(port, f"/_cat/shards?format=json&h={columns}")
        if shard["prirep"] == "p" and shard["state"] != "STARTED"
    ]
    return f"red: no primary for {', '.join(lost)}"


def describe_contents(port: int, data: Path) -> str:
    """Documents, size and free disk space: `12 documents, 3.4 MB; 70.1 GB free`."""
    documents = ask(port, "/_count").get("count")
    size = ask(port, "/_stats/store")["_all"]["total"].get("store", {}).get("size_in_bytes", 0)
    counted = "unknown number of documents" if documents is None else f"{documents:,} documents"
    free = shutil.disk_usage(data).free
    return f"{counted}, {size / 1e6:,.1f} MB; {free / 1e9:,.1f} GB free"
