"""`es-hybrid index create, list, promote, rollback, prune`."""

from __future__ import annotations

import json

from tests.commands.index.conftest import Typing
from tests.fakes.embedding import EmbeddingServer


def test_a_first_load_makes_version_one_behind_the_alias(typing: Typing) -> None:
    typing.load(3)
    assert typing.live == [typing.name(1)]
    assert "unchanged             3" in typing.load(3)
    assert typing.live == [typing.name(1)]


def test_the_next_version_is_made_beside_the_live_one(typing: Typing) -> None:
    first = typing.fine("index", "create")
    assert f"created {typing.name(1)}: 64 dims" in first
    assert f"{typing.alias} points to it" in first
    second = typing.fine("index", "create")
    assert f"created {typing.name(2)}: " in second
    assert f"{typing.alias} still points to {typing.name(1)}" in second
    assert f"es-hybrid index promote {typing.name(2)}" in second
    assert typing.live == [typing.name(1)]


def test_a_name_that_an_index_has_is_no_alias(typing: Typing) -> None:
    typing.es.indices.create(index=typing.alias)
    refused = typing("index", "create")
    assert refused.exit_code == 2
    assert "an index has this name, so it cannot be an alias" in refused.stderr


def test_promote_tells_its_checks_and_rollback_goes_back(typing: Typing) -> None:
    typing.load(30)
    typing.fine("index", "create")
    typing.load(31, version=2)
    promoted = typing.fine("index", "promote", typing.name(2))
    checks = {line.split()[0]: line.split()[1] for line in promoted.splitlines()[:4]}
    assert checks == dict.fromkeys(("documents", "coverage", "canaries", "overlap"), "ok")
    assert "31, live 30; required: 27 to 33" in promoted
    assert "31 of 31 have a vector (100.0%)" in promoted
    assert "30 queries; required: at least 0.50" in promoted
    assert f"{typing.alias} points to {typing.name(2)}, no longer to {typing.name(1)}" in promoted
    assert typing.live == [typing.name(2)]
    assert "already points to" in typing.fine("index", "promote", typing.name(2))

    assert f"points to {typing.name(1)} again" in typing.fine("index", "rollback")
    assert typing.live == [typing.name(1)]
    typing.fine("index", "rollback")
    assert typing.live == [typing.name(2)]


def test_a_failed_check_changes_nothing_and_is_overridden_by_its_name(typing: Typing) -> None:
    typing.load(30)
    typing.fine("index", "create")
    typing.load(10, version=2, title="Something else altogether, as different as can be")
    refused = typing("index", "promote", typing.name(2))
    assert refused.exit_code == 2
    assert "documents  FAILED  10, live 30; required: 27 to 33" in refused.stdout
    assert "not promoted: documents" in refused.stderr
    assert "--force documents" in refused.stderr
    assert typing.live == [typing.name(1)]
    forced = typing.fine(
        "index", "promote", typing.name(2), "--force", "documents", "--force", "overlap"
    )
    assert "documents  forced" in forced
    assert typing.live == [typing.name(2)]


def test_missing_vectors_and_an_empty_index_are_not_promoted(typing: Typing) -> None:
    typing.load(10)
    typing.fine("index", "create")
    refused = typing("index", "promote", typing.name(2))
    assert refused.exit_code == 2
    assert "documents  FAILED  0, live 10" in refused.stdout
    for number in range(10):
        typing.es.index(index=typing.name(2), id=str(number), document={"title": "bare"})
    refused = typing("index", "promote", typing.name(2))
    assert "coverage   FAILED  0 of 10 have a vector (0.0%); required: at least 99.0%" in (
        refused.stdout
    )
    assert typing.live == [typing.name(1)]


def test_a_model_that_answers_otherwise_is_not_promoted(typing: Typing) -> None:
    typing.load(10)
    typing.fine("index", "create")
    typing.load(10, version=2)
    with EmbeddingServer(dims=128) as other:
        config = typing.settings_file(other, name="other.toml")
        refused = typing("index", "promote", typing.name(2), "--config", config)
    assert refused.exit_code == 2
    assert "canaries   FAILED" in refused.stdout
    assert "dims 64" in refused.stdout
    assert typing.live == [typing.name(1)]


def test_a_change_of_models_in_two_indices(typing: Typing) -> None:
    typing.load(20)
    with EmbeddingServer(dims=128) as other:
        new = typing.settings_file(other, name="new.toml")
        typing.fine("index", "create", "--config", new)
        typing.fine("ingest", "load", "rows.jsonl", "--index", typing.name(2), "--config", new)
        compared = json.loads(
            typing.fine(
                "index", "compare", typing.name(1), typing.name(2), "--second-config", new, "--json"
            )
        )
        assert compared["queries"] == 20
        assert compared["overlap"] > 0.1
        alone = typing("index", "promote", typing.name(2), "--config", new)
        assert alone.exit_code == 2
        assert "overlap    FAILED  not measured" in alone.stdout
        assert "--live-config" in alone.stdout
        both = typing.fine(
            "index", "promote", typing.name(2), "--config", new,
            "--live-config", "es-hybrid.toml", "--force", "overlap",
        )  # fmt: skip
        assert "of the first 10" in both
    assert typing.live == [typing.name(2)]


def test_rollback_without_a_promotion_is_told(typing: Typing) -> None:
    typing.load(1)
    refused = typing("index", "rollback")
    assert refused.exit_code == 2
    assert "nothing was promoted yet" in refused.stderr


def test_a_rollback_to_an_index_that_is_gone_is_told(typing: Typing) -> None:
    typing.load(5)
    typing.fine("index", "create")
    typing.load(5, version=2)
    typing.fine("index", "promote", typing.name(2))
    typing.es.indices.delete(index=typing.name(1))
    refused = typing("index", "rollback")
    assert refused.exit_code == 2
    assert f"the former index {typing.name(1)} no longer exists" in refused.stderr
    assert typing.live == [typing.name(2)]


def test_a_filter_of_the_alias_goes_along(typing: Typing) -> None:
    typing.load(5)
    only = {"bool": {"must_not": [{"term": {"sku": "hidden"}}]}}
    typing.es.indices.put_alias(index=typing.name(1), name=typing.alias, filter=only)
    typing.fine("index", "create")
    typing.load(5, version=2)
    typing.fine("index", "promote", typing.name(2))
    [alias] = typing.es.indices.get_alias(name=typing.alias).body.values()
    assert alias["aliases"][typing.alias]["filter"] == only


def test_list_and_prune(typing: Typing) -> None:
    typing.load(6)
    for number in (2, 3, 4):
        typing.fine("index", "create")
        typing.load(6, version=number)
        typing.fine("index", "promote", typing.name(number))
    typing.fine("index", "create")
    listed = json.loads(typing.fine("index", "list", "--json"))
    assert [version["name"] for version in listed] == [typing.name(n) for n in range(1, 6)]
    assert [version["live"] for version in listed] == [False, False, False, True, False]
    assert [version["former"] for version in listed] == [False, False, True, False, False]
    assert [version["documents"] for version in listed] == [6, 6, 6, 6, 0]
    table = typing.fine("index", "list").splitlines()
    assert table[0].split() == ["index", "documents", "with", "vector", "size", "model", "created"]
    assert table[4].split()[:4] == [typing.name(4), "live", "6", "100.0%"]

    unsure = typing("index", "prune", "--keep", "1")
    assert unsure.exit_code == 1, "nobody said yes"
    assert len(json.loads(typing.fine("index", "list", "--json"))) == 5
    pruned = typing.fine("index", "prune", "--keep", "1", "--yes")
    assert [line for line in pruned.splitlines() if line.startswith("deleted")] == [
        f"deleted {typing.name(1)}",
        f"deleted {typing.name(2)}",
    ]
    assert typing.fine("index", "prune", "--keep", "1", "--yes") == "nothing to delete\n"
    assert typing.fine("index", "rollback")
