"""Pointing an alias at another index, and back.

The switch itself is one request, which Elasticsearch carries out whole or not at all. What goes
back is written down before it, in the index that takes over: whoever is killed in between leaves
an index that searches do not see, and a note that says what would have been right.
"""

from __future__ import annotations

from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.errors import IndexStateError
from es_hybrid.index.meta import former_of, note_former
from es_hybrid.index.versions import live_index


def switch(client: Elasticsearch, alias: str, target: str) -> str | None:
    """Let the alias stand for `target`; gives the index it stood for, if any.

    Raises:
        IndexStateError: as `live_index`.
    """
    live = live_index(client, alias)
    if live == target:
        return live
    properties: dict[str, Any] = {}
    actions: list[dict[str, Any]] = []
    if live is not None:
        note_former(client, target, alias=alias, former=live)
        # A filter or a routing of the alias goes along.
        properties = dict(client.indices.get_alias(index=live, name=alias)[live]["aliases"][alias])
        # `must_exist`: whoever switched meanwhile is not undone unseen.
        actions = [{"remove": {"index": live, "alias": alias, "must_exist": True}}]
    actions.append({"add": {"index": target, "alias": alias, **properties}})
    client.indices.update_aliases(actions=actions)
    return live


def rollback(client: Elasticsearch, alias: str) -> tuple[str, str]:
    """Let the alias stand for what it stood for before; gives (from, to).

    Done twice it is undone: each switch writes down where it came from.

    Raises:
        IndexStateError: there is no such alias, or nothing to go back to.
    """
    live = live_index(client, alias)
    former = former_of(client, live, alias=alias) if live else None
    if live is None or former is None:
        raise IndexStateError(
            "nothing was promoted yet, so there is nothing to go back to",
            place=f"index {alias}",
            remedy="see `es-hybrid index list`; `index promote` takes any version",
        )
    if not client.indices.exists(index=former):
        raise IndexStateError(
            f"the former index {former} is gone",
            place=f"index {alias}",
            remedy="see `es-hybrid index list`; `index promote` takes any version",
        )
    switch(client, alias, former)
    return live, former
