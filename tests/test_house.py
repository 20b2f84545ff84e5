"""The structure of the code: layers, no cycles, one meaning per public name, mirrored tests."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Bottom to top. A module imports from its own layer and from those above it in this list.
LAYERS = (
    ("es_hybrid.background", "es_hybrid.cleaning", "es_hybrid.data", "es_hybrid.errors",
     "es_hybrid.files", "es_hybrid.filters", "es_hybrid.garbage", "es_hybrid.gtin",
     "es_hybrid.language", "es_hybrid.privileges", "es_hybrid.records", "es_hybrid.secrets",
     "es_hybrid.waiting", "mappings"),
    ("es_hybrid.settings",),
    ("es_hybrid.node",),
    ("es_hybrid.client", "es_hybrid.openai_servers"),
    ("es_hybrid.embedding", "es_hybrid.reranking"),
    ("es_hybrid.index",),
    ("es_hybrid.kibana",),
    ("es_hybrid.understanding",),
    ("es_hybrid.merchandising",),
    ("es_hybrid.retrieval",),
    ("es_hybrid.suggesting",),
    ("es_hybrid.drive", "es_hybrid.events"),
    ("es_hybrid.search",),
    ("es_hybrid.align", "es_hybrid.evaluation"),
    ("es_hybrid.experiments",),
    ("es_hybrid.synonyms",),
    ("es_hybrid.http",),
    ("es_hybrid.page",),
    ("es_hybrid.serve",),
    ("es_hybrid.commands",),
    ("es_hybrid.__main__", "es_hybrid.cli"),
    ("ingest.sources",),
    ("ingest.cleaning",),
    ("ingest.record",),
    ("ingest.writing",),
    ("ingest.load",),
    ("ingest.backfill", "ingest.checking", "ingest.mapping"),
    ("ingest.doctor",),
    ("ingest.commands",),
    ("ingest.align",),
    ("ingest.demo",),
    ("ingest.cli",),
)  # fmt: skip
RANKS = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in chain.from_iterable((ROOT / top).rglob("*.py") for top in ("es_hybrid", "ingest"))
}
# `es_hybrid` offers the public names of all rooms, for users: no module may import from there.
FACADES = {"es_hybrid", "ingest"}


def _imports(module: str) -> Iterator[str]:
    """Modules of the project that a module imports anywhere, for type checking as well."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


GRAPH = {
    module: {found for found in _imports(module) if found in MODULES} - {module}
    for module in MODULES
    if module not in FACADES
}


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_imports_follow_the_layers(module: str) -> None:
    assert GRAPH[module].isdisjoint(FACADES)
    rank = RANKS[_room(module)]
    assert [found for found in sorted(GRAPH[module]) if RANKS[_room(found)] > rank] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    # A package's `__init__` and its modules may import one another in one direction only.
    cycle: list[str] = []
    try:
        TopologicalSorter(GRAPH).prepare()
    except CycleError as error:
        cycle = error.args[1]
    assert cycle == []


def _public_names(module: str) -> Iterator[str]:
    """Public classes and type aliases that a module defines at its top level."""
    for node in ast.parse(MODULES[module].read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            if isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper():
                yield target.id


def test_a_public_name_has_one_meaning() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for name in _public_names(module):
            if not name.startswith("_"):
                homes[name].append(module)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_every_package_has_tests_at_the_mirrored_path() -> None:
    packages = [path.parent for path in MODULES.values() if path.name == "__init__.py"]
    mirrored = {
        package.relative_to(ROOT): ROOT / "tests" / package.relative_to(ROOT / "es_hybrid")
        if package.is_relative_to(ROOT / "es_hybrid")
        else ROOT / "tests" / package.relative_to(ROOT)
        for package in packages
    }
    missing = [str(package) for package, folder in mirrored.items()
               if not any(folder.glob("test_*.py"))]  # fmt: skip
    assert sorted(missing) == []
