"""The documented privileges are those that the commands' requests need: none missing, none unused.

The embedded node has no security. So a proxy records what each command asks of it, and each request
is compared with the privileges that grant its action in Elasticsearch's source (`IndexPrivilege`,
`ClusterPrivilegeResolver`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.merchandising.rules.stored import RULES_INDEX
from es_hybrid.node import EmbeddedNode
from es_hybrid.privileges import groups, role_of
from es_hybrid.understanding.store import VOCABULARIES
from es_hybrid.understanding.value_classes import VALUE_CLASSES
from tests.fakes.elasticsearch import FaultyProxy
from tests.fakes.http import Request

ROOT = Path(__file__).parents[1]
INDEX = "test-privileges"

# Privilege -> patterns of the actions that it grants.
INDEX_PRIVILEGES = {
    "create_index": ["indices:admin/create", "indices:admin/auto_create"],
    "maintenance": ["indices:admin/refresh*", "indices:admin/flush*", "indices:admin/forcemerge*"],
    "manage": ["indices:monitor/*", "indices:admin/*", "indices:data/read/field_caps*"],
    "monitor": ["indices:monitor/*"],
    "read": ["indices:data/read/*"],
    "view_index_metadata": [
        "indices:admin/aliases/get", "indices:admin/get", "indices:admin/mappings/get",
        "indices:monitor/settings/get", "indices:data/read/field_caps*",
    ],
    "write": ["indices:data/write/*", "indices:admin/mapping/auto_put"],
}  # fmt: skip
CLUSTER_PRIVILEGES = {"monitor": ["cluster:monitor/*"]}
# Method and path -> its actions, by the first pattern that fits. None if every user may, if the
# action was authorised when the point in time was opened, or if es-hybrid can do without.
ACTIONS: list[tuple[str, list[str]]] = [
    (r"POST /_search|DELETE /_pit|POST /_security/user/_has_privileges", []),
    (r"GET /_nodes", ["cluster:monitor/nodes/info"]),
    (r"GET /_nodes/stats/.*", ["cluster:monitor/nodes/stats"]),
    (r"GET /_cluster/health", ["cluster:monitor/health"]),
    (r"GET /_cluster/settings", ["cluster:monitor/settings"]),
    (r"GET /_license", ["cluster:monitor/xpack/license/get"]),
    (r"POST /_aliases", ["indices:admin/aliases"]),
    (r"POST /_msearch", ["indices:data/read/msearch"]),
    (r"POST /[^/]+/_(search|count|msearch)", ["indices:data/read/search"]),
    (r"POST /[^/]+/_mget", ["indices:data/read/mget"]),
    (r"GET /[^/]+/_doc/.*", ["indices:data/read/get"]),
    (r"POST /[^/]+/_pit", ["indices:data/read/open_point_in_time"]),
    (r"POST /[^/]+/_refresh", ["indices:admin/refresh"]),
    (r"(GET|HEAD) /[^/_]+", ["indices:admin/get"]),
    (r"GET /[^/]+/_mapping", ["indices:admin/mappings/get"]),
    (r"GET /[^/]+/_alias/.*", ["indices:admin/aliases/get"]),
    (r"GET /[^/]+/_settings.*", ["indices:monitor/settings/get"]),
    (r"GET /[^/]+/_stats/.*", ["indices:monitor/stats"]),
    (r"PUT /[^/]+/_mapping", ["indices:admin/mapping/put"]),
    (r"PUT /[^/]+/(_bulk|_doc/.*)", ["indices:data/write/bulk"]),
    (r"DELETE /[^/]+/_doc/.*", ["indices:data/write/bulk"]),
    (r"PUT /[^/_]+", ["indices:admin/create"]),
    (r"DELETE /[^/_]+", ["indices:admin/delete"]),
]

RULE = {"id": "r1", "criteria": [{"type": "always"}], "actions": {"pin": ["SHO-001-en"]}}
# In this order: an index is loaded before it is searched.
COMMANDS = {
    "load": [
        "ingest load feed.jsonl --index INDEX",
        "index plan INDEX",
        "ingest backfill INDEX",
        "index create --index INDEX",
        "index promote INDEX-v0002 --force documents --force coverage --force canaries",
        "index rollback --index INDEX",
        "index prune --keep 1 --yes --index INDEX",
    ],
    "search": [
        "search shoes --index INDEX --facet brand --display-lang zh",
        "suggest t --index INDEX",
        "similar SHO-001-en --index INDEX",
        "eval run queries.tsv qrels.txt --index INDEX",
    ],
    "rules": ["rules put rule.json", "rules list", "rules delete r1", "rules undo r1"],
    "align": [
        "align run es://INDEX --store align.sqlite",
        "align apply --store align.sqlite --index INDEX",
        "align values propose --store align.sqlite --index INDEX --field brand",
        "align values apply --store align.sqlite --index INDEX",
    ],
    "doctor": ["doctor --index INDEX"],
}


# Group -> requests.
Recorded = dict[str, list[Request]]


@pytest.fixture(scope="module")
def recorded(
    node: EmbeddedNode, es: Elasticsearch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recorded]:
    """What the commands of each group ask."""
    folder = tmp_path_factory.mktemp("privileges")
    products = (ROOT / "es_hybrid/data/products.jsonl").read_text("utf-8").splitlines(True)
    # Four products in five languages: the fewest from which a brand has two names.
    nike = [line for line in products if json.loads(line)["brand"] in ("Nike", "耐克")]
    (folder / "feed.jsonl").write_text("".join(nike), "utf-8")
    (folder / "rule.json").write_text(json.dumps(RULE))
    (folder / "queries.tsv").write_text("1\tshoes\n")
    (folder / "qrels.txt").write_text("1 0 SHO-001-en 1\n")
    found: Recorded = {}
    with (
        FaultyProxy(node.url, lambda path, body, forward: None) as proxy,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(folder)
        for group, commands in COMMANDS.items():
            for command in commands:
                typed = [*command.replace("INDEX", INDEX).split(), "--url", proxy.url]
                result = CliRunner().invoke(main, typed)
                assert "Usage:" not in result.output, result.output
                assert isinstance(result.exception, SystemExit | None), command
            found[group] = list(proxy.seen)
            proxy.seen.clear()
    yield found
    for name in (f"{INDEX}-v*", RULES_INDEX, VOCABULARIES, VALUE_CLASSES):
        for index in es.indices.get(index=name, ignore_unavailable=True, expand_wildcards="all"):
            es.indices.delete(index=index)


def line(request: Request) -> str:
    return f"{request.method} {request.path}"


def grants(patterns: list[str], action: str) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns)


def allowed(role: dict[str, Any], request: str) -> bool:
    """Whether a role grants what a request does, for the index in its path."""
    found = [actions for pattern, actions in ACTIONS if re.fullmatch(pattern, request)]
    assert found, f"the actions of this request are not known: {request}"
    return all(_grants(role, action, request.split("/")[1]) for action in found[0])


def _grants(role: dict[str, Any], action: str, index: str) -> bool:
    if action.startswith("cluster:"):
        return any(grants(CLUSTER_PRIVILEGES[name], action) for name in role["cluster"])
    return any(
        grants(INDEX_PRIVILEGES[name], action)
        for part in role["indices"]
        # Without an index in the path, the body names some of them.
        if index.startswith("_") or any(fnmatchcase(index, each) for each in part["names"])
        for name in part["privileges"]
    )


def without_one(role: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The role without each of its privileges, and its name."""
    for name in role["cluster"]:
        yield name, {**role, "cluster": [each for each in role["cluster"] if each != name]}
    for at, part in enumerate(role["indices"]):
        for name in part["privileges"]:
            kept = [each for each in part["privileges"] if each != name]
            parts = [*role["indices"]]
            parts[at] = {**part, "privileges": kept}
            yield f"{name} of {part['names']}", {**role, "indices": parts}


def test_every_group_of_commands_is_recorded() -> None:
    assert set(groups()) == set(COMMANDS)


@pytest.mark.parametrize("group", COMMANDS)
def test_a_group_may_do_all_that_its_commands_ask(recorded: Recorded, group: str) -> None:
    role = role_of(group, INDEX)
    assert recorded[group]
    assert not {each for each in map(line, recorded[group]) if not allowed(role, each)}


@pytest.mark.parametrize("group", COMMANDS)
def test_no_privilege_of_a_group_is_unused(recorded: Recorded, group: str) -> None:
    role = role_of(group, INDEX)
    unused = [
        name
        for name, less in without_one(role)
        if all(allowed(less, request) for request in set(map(line, recorded[group])))
    ]
    assert not unused


@pytest.mark.parametrize("group", COMMANDS)
def test_no_index_of_a_group_is_unused(recorded: Recorded, group: str) -> None:
    asked = b"".join(each.target.encode() + each.body for each in recorded[group])
    names = {name for part in role_of(group, INDEX)["indices"] for name in part["names"]}
    assert not [name for name in names if name.rstrip("*").encode() not in asked]


def test_the_table_of_the_docs_is_what_the_code_grants() -> None:
    page = (ROOT / "docs/compose.md").read_text("utf-8")
    for group in groups():
        role = role_of(group, "{index}")
        cells = [", ".join(f"`{name}`" for name in role["cluster"]) or "-"]
        cells.append("; ".join(
            f"{', '.join(f'`{name}`' for name in part['privileges'])} of "
            f"{', '.join(f'`{name}`' for name in part['names'])}"
            for part in role["indices"]
        ))  # fmt: skip
        assert f"| `{group}` | {' | '.join(cells)} |" in page
