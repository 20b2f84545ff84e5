"""The cluster: whether it answers, and what it offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_hybrid.client import server_version
from es_hybrid.privileges import role_of
from es_hybrid.settings import Settings
from ingest.doctor.finding import Finding, failure, ok, warning

# The oldest version that the tests of the protocol cover.
_OLDEST = (8, 17)
# Licences whose clusters run retriever trees themselves.
_NATIVE = frozenset(["enterprise", "trial"])


def examine_cluster(client: Elasticsearch, settings: Settings, place: str) -> Iterator[Finding]:
    """Findings about the cluster; the first one means that it answers."""
    version = server_version(client)
    text = f"{place}: Elasticsearch {version[0]}.{version[1]}"
    if version < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        yield warning("cluster", text, f"upgrade: es-hybrid is tested from {oldest} on")
    else:
        yield ok("cluster", text)
    yield from _health(client)
    yield _execution(client, settings)
    yield from _privileges(client, settings.index.name)
    yield from _limits(client)


def _health(client: Elasticsearch) -> Iterator[Finding]:
    health = _asked(client, "/_cluster/health")
    if health is not None and health["status"] == "red":
        text = f"health red: {health['unassigned_shards']} shards are not assigned"
        yield failure("cluster", text, "ask GET _cluster/allocation/explain for the reason")


def _execution(client: Elasticsearch, settings: Settings) -> Finding:
    answer = _asked(client, "/_license")
    licence = "none" if answer is None else answer["license"]["type"]
    native = licence in _NATIVE and settings.search.execution != "client"
    where = "the cluster" if native else "es-hybrid"
    return ok("cluster", f"licence {licence}: rrf, linear and rerankers run in {where}")


def _privileges(client: Elasticsearch, index: str) -> Iterator[Finding]:
    roles = {group: role_of(group, index) for group in ("search", "load")}
    asked = {
        "cluster": sorted({name for role in roles.values() for name in role["cluster"]}),
        "index": [part for role in roles.values() for part in role["indices"]],
    }
    answer = _asked(client, "/_security/user/_has_privileges", asked)
    if answer is None:
        yield ok("cluster", "no security: every caller may do everything")
        return
    user = answer["username"]
    lacking = {group: ", ".join(_lacking(role, answer)) for group, role in roles.items()}
    if lacking["search"]:
        text = f"{user} may not search {index}: lacks {lacking['search']}"
        yield failure("cluster", text, "grant these privileges: docs/compose.md")
    elif lacking["load"]:
        text = f"{user} may search {index}, but not load: lacks {lacking['load']}"
        yield warning("cluster", text, "grant these privileges to a user that loads")
    else:
        yield ok("cluster", f"{user} may search and load {index}")


def _lacking(role: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    """The privileges of a role that the answer denies."""
    yield from (name for name in role["cluster"] if not answer["cluster"][name])
    for part in role["indices"]:
        for index in part["names"]:
            denied = [name for name in part["privileges"] if not answer["index"][index][name]]
            if denied:
                yield f"{', '.join(denied)} of {index}"


def _limits(client: Elasticsearch) -> Iterator[Finding]:
    answer = _asked(client, "/_cluster/settings?flat_settings=true")
    found = {} if answer is None else {**answer["persistent"], **answer["transient"]}
    if str(found.get("search.allow_expensive_queries")) == "false":
        text = "search.allow_expensive_queries is false: exclusions in queries do not apply"
        yield warning("cluster", text, "allow them, or accept it")


def _asked(client: Elasticsearch, path: str, body: Any = None) -> Any:
    """The answer; None if the cluster has no such endpoint, or refuses this caller."""
    headers = {"accept": "application/json", "content-type": "application/json"}
    method = "GET" if body is None else "POST"
    try:
        return client.perform_request(method, path, headers=headers, body=body).body
    except ApiError as error:
        if error.meta.status in (400, 401, 403, 404, 405, 500):
            return None
        raise
