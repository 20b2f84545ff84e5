"""How rules are stored, and the requests that read them. Pure.

The index holds one document for each version of a rule, which never changes but for two flags, and
one head. The head has a revision, which every write changes last, and the latest changes, so that
whoever knows an earlier revision reads only what is new:

    summer@1  {"rule": "summer", "version": 1, "latest": false, "live": true, "stored": {…}}
    summer@2  {"rule": "summer", "version": 2, "latest": true, "live": false, "stored": {…}}
    head      {"revision": "9f…", "changes": [{"revision": "9f…", "versions": ["summer@2"]}]}

`latest` is the last version of a rule, `live` the last approved one, unless it ends the rule.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from es_hybrid.merchandising.rules.rule import RuleVersion

logger = logging.getLogger(__name__)

RULES_INDEX = "es-hybrid-rules"
HEAD = "head"
MAX_RULES = 10_000
# Versions that the head lists at most.
_LISTED = 1000

# Hidden: a pattern such as `*` does not include it. One shard: a search sees one order of writes.
SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": True}
MAPPINGS: Mapping[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "rule": {"type": "keyword"},
        "version": {"type": "integer"},
        "latest": {"type": "boolean"},
        "live": {"type": "boolean"},
        "stored": {"type": "object", "enabled": False},
        "revision": {"type": "keyword", "index": False},
        "changes": {"type": "object", "enabled": False},
    },
}

HEAD_PATH = f"/{RULES_INDEX}/_doc/{HEAD}"
# All that is live.
LIVE: Mapping[str, Any] = {"query": {"term": {"live": True}}, "size": MAX_RULES}


def id_of(version: RuleVersion) -> str:
    """The id of a version's document, which no other can have."""
    return f"{version.rule.id}@{version.version}"


def document(version: RuleVersion) -> dict[str, Any]:
    """The document of a new version."""
    return {
        "rule": version.rule.id,
        "version": version.version,
        "latest": True,
        "live": version.approved_by is not None and not version.deleted,
        "stored": version.model_dump(mode="json", exclude_defaults=True),
    }


def versions_in(documents: Iterable[Mapping[str, Any]]) -> Iterator[RuleVersion]:
    """The versions in hits or documents; those that cannot be read are logged and left out."""
    for each in documents:
        try:
            yield RuleVersion.model_validate(each["_source"]["stored"])
        except (KeyError, ValidationError) as error:
            logger.warning("the rule %s cannot be read: %s", each.get("_id"), error)


def with_change(
    head: Mapping[str, Any], revision: str, versions: Sequence[str]
) -> Mapping[str, Any]:
    """The head after a write."""
    changes = [{"revision": revision, "versions": list(versions)}, *head.get("changes", ())]
    kept, count = [], 0
    for change in changes:
        count += len(change["versions"])
        if count > _LISTED:  # who knows this revision still needs the newer ones only
            kept.append({**change, "versions": []})
            break
        kept.append(change)
    return {"revision": revision, "changes": kept}


def changed_since(head: Mapping[str, Any], revision: str) -> list[str] | None:
    """Ids of the versions that are newer than a revision; None if the head does not go back to it.

    >>> head = with_change(with_change({}, "a", ["x@1"]), "b", ["x@2", "y@1"])
    >>> changed_since(head, "a"), changed_since(head, "z")
    (['x@2', 'y@1'], None)
    """
    ids: list[str] = []
    for change in head.get("changes", ()):
        if change["revision"] == revision:
            return ids
        ids += change["versions"]
    return None
