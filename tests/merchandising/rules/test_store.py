"""The store of rules on a real node."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import InvalidRequest
from es_hybrid.merchandising.rules import store as store_module
from es_hybrid.merchandising.rules.rule import Rule, RuleVersion
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.merchandising.rules.stored import HEAD, LIVE, RULES_INDEX, document, versions_in


def rule(id_: str = "summer", **fields: Any) -> Rule:
    """A rule that pins product 1."""
    given = {"criteria": [{"type": "always"}], "actions": {"pin": ["1"]}}
    return Rule.model_validate({"id": id_, **given, **fields})


def live(es: Elasticsearch) -> dict[str, int]:
    """Id -> version of what searches read."""
    hits = es.search(index=RULES_INDEX, **LIVE)["hits"]["hits"]
    return {each.rule.id: each.version for each in versions_in(hits)}


def revision(es: Elasticsearch) -> str:
    found: str = es.get(index=RULES_INDEX, id=HEAD)["_source"]["revision"]
    return found


def test_a_store_without_index_is_empty(rule_store: RuleStore) -> None:
    assert rule_store.list_rules() == []
    with pytest.raises(InvalidRequest, match="rule summer: there is no such rule"):
        rule_store.history("summer")


def test_every_change_is_a_version_of_its_own(es: Elasticsearch, rule_store: RuleStore) -> None:
    first = rule_store.put(rule(note="a"), author="ann")
    assert (first.version, first.author, first.approved_by) == (1, "ann", "ann")
    assert live(es) == {"summer": 1}
    seen = [revision(es)]

    draft = rule_store.put(rule(note="b"), author="bob", draft=True)
    assert (draft.version, draft.approved_by) == (2, None)
    assert rule_store.list_rules() == [draft]
    assert live(es) == {"summer": 1}
    seen.append(revision(es))

    approved = rule_store.approve("summer", author="ann")
    assert (approved.version, approved.rule.note, approved.approved_by) == (3, "b", "ann")
    assert live(es) == {"summer": 3}
    with pytest.raises(InvalidRequest, match="version 3 is approved already, by ann"):
        rule_store.approve("summer", author="ann")

    ended = rule_store.delete("summer", author="ann")
    assert ended.deleted
    assert rule_store.list_rules() == []
    assert live(es) == {}
    with pytest.raises(InvalidRequest, match="no such rule"):
        rule_store.delete("summer", author="ann")

    back = rule_store.undo("summer", author="bob")
    assert (back.version, back.rule, back.deleted) == (5, approved.rule, False)
    assert live(es) == {"summer": 5}
    again = rule_store.undo("summer", author="bob")
    assert again.deleted

    assert rule_store.history("summer") == [again, back, ended, approved, draft, first]
    assert len({*seen, revision(es)}) == 3


def test_undo_restores_the_version_before_the_last(
    es: Elasticsearch, rule_store: RuleStore
) -> None:
    rule_store.put(rule(note="right"), author="ann")
    with pytest.raises(InvalidRequest, match="no earlier version"):
        rule_store.undo("summer", author="ann")
    rule_store.put(rule(note="wrong"), author="ann")
    assert rule_store.undo("summer", author="bob").rule.note == "right"
    assert live(es) == {"summer": 3}
    assert [each.rule.note for each in rule_store.history("summer")] == ["right", "wrong", "right"]


def test_undo_takes_an_approval_back(es: Elasticsearch, rule_store: RuleStore) -> None:
    rule_store.put(rule(note="live"), author="ann")
    rule_store.put(rule(note="hasty"), author="ann", draft=True)
    rule_store.approve("summer", author="ann")
    back = rule_store.undo("summer", author="bob")
    assert (back.version, back.rule.note, back.approved_by) == (4, "live", "bob")
    assert live(es) == {"summer": 4}
    rule_store.put(rule(note="idea"), author="ann", draft=True)
    assert rule_store.undo("summer", author="ann").rule.note == "live"

    rule_store.put(rule("new"), author="ann", draft=True)
    rule_store.approve("new", author="ann")
    assert rule_store.undo("new", author="ann").deleted
    assert live(es) == {"summer": 6}
    assert not rule_store.undo("new", author="ann").deleted


def test_two_writers_cannot_make_the_same_version(
    es: Elasticsearch, rule_store: RuleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule_store.put(rule(note="one"), author="ann")

    def late(version: RuleVersion) -> dict[str, Any]:
        monkeypatch.setattr(store_module, "document", document)
        rule_store.put(rule(note="two", priority=2), author="bob", draft=True)
        return document(version)

    monkeypatch.setattr(store_module, "document", late)
    with pytest.raises(InvalidRequest, match="someone else wrote version 2 at the same time"):
        rule_store.put(rule(note="three"), author="ann")
    assert [each.rule.note for each in rule_store.history("summer")] == ["two", "one"]
    # The approved version of the loser does not end the one that is live.
    assert live(es) == {"summer": 1}


def test_writers_of_different_rules_do_not_disturb_each_other(
    es: Elasticsearch, rule_store: RuleStore
) -> None:
    rule_store.put(rule("r"), author="ann")
    failed: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(3):
                rule_store.put(rule(f"r{number}", priority=turn), author="ann")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert live(es) == {"r": 1, **{f"r{number}": 3 for number in range(4)}}
    head = es.get(index=RULES_INDEX, id=HEAD)["_source"]
    assert len(head["changes"]) == 13


def test_many_rules_are_written_at_once(es: Elasticsearch, rule_store: RuleStore) -> None:
    rules = [rule(f"r{number}") for number in range(1200)]
    for version in (1, 2):
        written = rule_store.put_all(rules, author="ann")
        assert {each.version for each in written} == {version}
    assert set(live(es).values()) == {2}
    assert len(rule_store.list_rules()) == 1200
    with pytest.raises(InvalidRequest, match="rule r7: it occurs twice"):
        rule_store.put_all([rules[7], rules[7]], author="ann")


def test_there_is_an_end_to_them(rule_store: RuleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MAX_RULES", 2)
    rule_store.put_all([rule("a"), rule("b")], author="ann")
    with pytest.raises(InvalidRequest, match="more than 2 rules"):
        rule_store.put(rule("c"), author="ann")
    rule_store.put(rule("a"), author="ann")
    rule_store.delete("b", author="ann")
    rule_store.put(rule("c"), author="ann")


def test_the_index_is_hidden_and_strict(es: Elasticsearch, rule_store: RuleStore) -> None:
    rule_store.put(rule(), author="ann")
    assert RULES_INDEX not in es.indices.get(index="*")
    assert es.indices.get_mapping(index=RULES_INDEX)[RULES_INDEX]["mappings"]["dynamic"] == "strict"
