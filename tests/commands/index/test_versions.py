"""`es-hybrid index create, list, promote, rollback, prune`."""

from __future__ import annotations

import json

from tests.commands.conftest import Terminal
from tests.fakes.embedding import EmbeddingServer


def test_a_first_load_creates_version_one_behind_the_alias(terminal: Terminal) -> None:
    terminal.load(3)
    assert terminal.live == [terminal.name(1)]
    assert "unchanged             3" in terminal.load(3)
    assert terminal.live == [terminal.name(1)]


def test_the_next_version_leaves_the_live_one_alone(terminal: Terminal) -> None:
    first = terminal.fine("index", "create")
    assert f"created {terminal.name(1)}: 64 dims" in first
    assert f"{terminal.alias} points to it" in first
    second = terminal.fine("index", "create")
    assert f"created {terminal.name(2)}: " in second
    assert f"{terminal.alias} still points to {terminal.name(1)}" in second
    assert f"es-hybrid index promote {terminal.name(2)}" in second
    assert terminal.live == [terminal.name(1)]


def test_the_name_of_an_index_cannot_be_an_alias(terminal: Terminal) -> None:
    terminal.es.indices.create(index=terminal.alias)
    refused = terminal("index", "create")
    assert refused.exit_code == 2
    assert "an index has this name, so it cannot be an alias" in refused.stderr


def test_promote_shows_its_checks_and_rollback_undoes_it(terminal: Terminal) -> None:
    terminal.load(30)
    terminal.fine("index", "create")
    terminal.load(31, version=2)
    promoted = terminal.fine("index", "promote", terminal.name(2))
    checks = {line.split()[0]: line.split()[1] for line in promoted.splitlines()[:4]}
    assert checks == dict.fromkeys(("documents", "coverage", "canaries", "overlap"), "ok")
    assert "31, live 30; required: 27 to 33" in promoted
    assert "31 of 31 have a vector (100.0%)" in promoted
    assert "30 queries; required: at least 0.50" in promoted
    assert (
        f"{terminal.alias} points to {terminal.name(2)}, no longer to {terminal.name(1)}"
        in promoted
    )
    assert terminal.live == [terminal.name(2)]
    assert "already points to" in terminal.fine("index", "promote", terminal.name(2))

    assert f"points to {terminal.name(1)} again" in terminal.fine("index", "rollback")
    assert terminal.live == [terminal.name(1)]
    terminal.fine("index", "rollback")
    assert terminal.live == [terminal.name(2)]


def test_a_failed_check_changes_nothing_and_can_be_overridden_by_name(terminal: Terminal) -> None:
    terminal.load(30)
    terminal.fine("index", "create")
    terminal.load(10, version=2, title="Something else altogether, as different as can be")
    refused = terminal("index", "promote", terminal.name(2))
    assert refused.exit_code == 2
    assert "documents  FAILED  10, live 30; required: 27 to 33" in refused.stdout
    assert "not promoted: documents" in refused.stderr
    assert "--force documents" in refused.stderr
    assert terminal.live == [terminal.name(1)]
    forced = terminal.fine(
        "index", "promote", terminal.name(2), "--force", "documents", "--force", "overlap"
    )
    assert "documents  forced" in forced
    assert terminal.live == [terminal.name(2)]


def test_missing_vectors_and_an_empty_index_are_not_promoted(terminal: Terminal) -> None:
    terminal.load(10)
    terminal.fine("index", "create")
    refused = terminal("index", "promote", terminal.name(2))
    assert refused.exit_code == 2
    assert "documents  FAILED  0, live 10" in refused.stdout
    for number in range(10):
        terminal.es.index(index=terminal.name(2), id=str(number), document={"title": "bare"})
    refused = terminal("index", "promote", terminal.name(2))
    assert "coverage   FAILED  0 of 10 have a vector (0.0%); required: at least 99.0%" in (
        refused.stdout
    )
    assert terminal.live == [terminal.name(1)]


def test_another_model_is_not_promoted(terminal: Terminal) -> None:
    terminal.load(10)
    terminal.fine("index", "create")
    terminal.load(10, version=2)
    with EmbeddingServer(dims=128) as other:
        config = terminal.settings_file(other, name="other.toml")
        refused = terminal("index", "promote", terminal.name(2), "--config", config)
    assert refused.exit_code == 2
    assert "canaries   FAILED" in refused.stdout
    assert "dims 64" in refused.stdout
    assert terminal.live == [terminal.name(1)]


def test_a_change_of_models_in_two_indices(terminal: Terminal) -> None:
    terminal.load(20)
    with EmbeddingServer(dims=128) as other:
        new = terminal.settings_file(other, name="new.toml")
        terminal.fine("index", "create", "--config", new)
        terminal.fine("ingest", "load", "rows.jsonl", "--index", terminal.name(2), "--config", new)
        compared = json.loads(
            terminal.fine("eval", "diff", terminal.name(1), f"{new}:{terminal.name(2)}", "--json")
        )
        assert compared["queries"] == 20
        assert compared["overlap"] > 0.1
        alone = terminal("index", "promote", terminal.name(2), "--config", new)
        assert alone.exit_code == 2
        assert "overlap    FAILED  not measured" in alone.stdout
        assert "--live-config" in alone.stdout
        both = terminal.fine(
            "index", "promote", terminal.name(2), "--config", new,
            "--live-config", "es-hybrid.toml", "--force", "overlap",
        )  # fmt: skip
        assert "of the first 10" in both
    assert terminal.live == [terminal.name(2)]


def test_rollback_without_a_promotion_fails(terminal: Terminal) -> None:
    terminal.load(1)
    refused = terminal("index", "rollback")
    assert refused.exit_code == 2
    assert "nothing was promoted yet" in refused.stderr


def test_rollback_to_a_deleted_index_fails(terminal: Terminal) -> None:
    terminal.load(5)
    terminal.fine("index", "create")
    terminal.load(5, version=2)
    terminal.fine("index", "promote", terminal.name(2))
    terminal.es.indices.delete(index=terminal.name(1))
    refused = terminal("index", "rollback")
    assert refused.exit_code == 2
    assert f"the former index {terminal.name(1)} no longer exists" in refused.stderr
    assert terminal.live == [terminal.name(2)]


def test_the_alias_keeps_its_filter(terminal: Terminal) -> None:
    terminal.load(5)
    only = {"bool": {"must_not": [{"term": {"sku": "hidden"}}]}}
    terminal.es.indices.put_alias(index=terminal.name(1), name=terminal.alias, filter=only)
    terminal.fine("index", "create")
    terminal.load(5, version=2)
    terminal.fine("index", "promote", terminal.name(2))
    [alias] = terminal.es.indices.get_alias(name=terminal.alias).body.values()
    assert alias["aliases"][terminal.alias]["filter"] == only


def test_list_and_prune(terminal: Terminal) -> None:
    terminal.load(6)
    for number in (2, 3, 4):
        terminal.fine("index", "create")
        terminal.load(6, version=number)
        terminal.fine("index", "promote", terminal.name(number))
    terminal.fine("index", "create")
    listed = json.loads(terminal.fine("index", "list", "--json"))
    assert [version["name"] for version in listed] == [terminal.name(n) for n in range(1, 6)]
    assert [version["live"] for version in listed] == [False, False, False, True, False]
    assert [version["former"] for version in listed] == [False, False, True, False, False]
    assert [version["documents"] for version in listed] == [6, 6, 6, 6, 0]
    table = terminal.fine("index", "list").splitlines()
    assert table[0].split() == ["index", "documents", "with", "vector", "size", "model", "created"]
    assert table[4].split()[:4] == [terminal.name(4), "live", "6", "100.0%"]

    unsure = terminal("index", "prune", "--keep", "1")
    assert unsure.exit_code == 1, "not confirmed"
    assert len(json.loads(terminal.fine("index", "list", "--json"))) == 5
    pruned = terminal.fine("index", "prune", "--keep", "1", "--yes")
    assert [line for line in pruned.splitlines() if line.startswith("deleted")] == [
        f"deleted {terminal.name(1)}",
        f"deleted {terminal.name(2)}",
    ]
    assert terminal.fine("index", "prune", "--keep", "1", "--yes") == "nothing to delete\n"
    assert terminal.fine("index", "rollback")
