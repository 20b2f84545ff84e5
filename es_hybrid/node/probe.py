"""What a running node says of itself, asked without a client library.

Speaks through `http.client`: the Elasticsearch client would cost each start a third of a second,
and `urllib` would ask a configured proxy for 127.0.0.1.
"""

from __future__ import annotations

import http.client
import json
import shutil
from pathlib import Path
from typing import Any

from es_hybrid.errors import NodeError


def ask(port: int, path: str, timeout: float = 5.0) -> Any:
    """GET a path from the node on this port and return the JSON of its answer, whatever its status.

    Args:
        port: On 127.0.0.1.
        path: With its query.
        timeout: Seconds.

    Raises:
        NodeError: no answer, or none in JSON.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NodeError(
            f"the node does not answer ({type(error).__name__}: {error})",
            place=f"http://127.0.0.1:{port}",
            remedy="look at `es-hybrid node logs`",
        ) from None
    finally:
        connection.close()


def await_primaries(port: int, seconds: int) -> str | None:
    """Wait until a master is elected and every primary shard is active.

    Args:
        port: On 127.0.0.1.
        seconds: How long at most.

    Returns:
        `green` or `yellow`; `red` when time ran out; None when there is still no master.
    """
    limits = f"timeout={seconds}s&master_timeout={seconds}s"
    health = ask(port, f"/_cluster/health?wait_for_status=yellow&{limits}", timeout=seconds + 5)
    status = health.get("status")
    return status if isinstance(status, str) else None


def why_not_green(port: int) -> str:
    """The health in one sentence: `green`, or the status and what is missing."""
    health = ask(port, "/_cluster/health")
    status = health.get("status")
    if not isinstance(status, str):  # an error, whose status is a number
        return "red: no master is elected"
    if status == "green":
        return "green"
    if status == "yellow":
        return f"yellow: {health['unassigned_shards']} replica shards have no second node to be on"
    columns = "index,shard,prirep,state,unassigned.reason"
    lost = [
        f"{shard['index']}[{shard['shard']}] is {shard['state']} ({shard['unassigned.reason']})"
        for shard in ask(port, f"/_cat/shards?format=json&h={columns}")
        if shard["prirep"] == "p" and shard["state"] != "STARTED"
    ]
    return f"red: no primary for {', '.join(lost)}"


def describe_contents(port: int, data: Path) -> str:
    """What is in the node and how much room is left: `12 documents, 3.4 MB; 70.1 GB free`."""
    documents = ask(port, "/_count").get("count")
    size = ask(port, "/_stats/store")["_all"]["total"].get("store", {}).get("size_in_bytes", 0)
    counted = "documents not counted" if documents is None else f"{documents:,} documents"
    free = shutil.disk_usage(data).free
    return f"{counted}, {size / 1e6:,.1f} MB; {free / 1e9:,.1f} GB free"
