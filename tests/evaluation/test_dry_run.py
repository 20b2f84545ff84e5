"""What a rule would change, on the sample catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.evaluation.dry_run import DryRun, dry_run
from es_hybrid.merchandising.rules.rule import Rule
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from tests.pauses import wait_until

QUERY = "hiking boots"


def rule(**fields: Any) -> Rule:
    given = {"id": "boots", "criteria": [{"type": "exact", "values": [QUERY]}]}
    return Rule.model_validate(given | fields)


@pytest.fixture
def shop(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> Iterator[HybridSearch]:
    with HybridSearch(
        es, index=catalogue, embedder=embedder, settings=catalogue_settings
    ) as opened:
        yield opened


def test_what_comes_goes_and_moves(shop: HybridSearch, rule_store: RuleStore) -> None:
    first, second, third, *_ = ids = [hit.id for hit in shop.search(QUERY, size=3).hits]
    far = shop.search("kettle").hits[0].id
    actions = {"pin": [far, second], "exclude": [third]}
    # A rule of next year is tried as if it were live.
    tried = rule(actions=actions, valid_from="2099-01-01T00:00:00Z")
    fired, other = dry_run(shop, tried, [QUERY, "lamp"], size=3)
    assert [hit.id for hit in fired.before] == ids
    assert [hit.id for hit in fired.after] == [far, second, first]
    assert (fired.new, fired.gone, fired.moved) == ([far], [third], {first: (1, 3)})
    assert fired.fired is not None
    assert fired.fired.changed == actions
    assert fired.before[0].title
    assert (other.fired, other.new, other.gone, other.moved) == (None, [], [], {})
    assert rule_store.list_rules() == []
    assert shop.search(QUERY).rules == ()


def test_a_live_rule_is_compared_with_a_search_without_it(
    shop: HybridSearch, rule_store: RuleStore
) -> None:
    plain = [hit.id for hit in shop.search(QUERY).hits]
    live = rule(actions={"replace": "kettle"})
    others = rule(id="other", actions={"redirect": "/boots"})
    rule_store.put_all([live, others], author="ann")
    wait_until(lambda: shop.search(QUERY).redirect == "/boots")

    def only(tried: Rule) -> DryRun:
        (found,) = dry_run(shop, tried, [QUERY])
        return found

    found = only(live)
    assert [hit.id for hit in found.before] == plain
    assert not set(plain) & set(found.new)
    assert found.redirect == "/boots"
    draft = rule(actions={"replace": "lamp"})
    assert [hit.id for hit in only(draft).before] == plain
    assert [hit.id for hit in only(draft).after] == [hit.id for hit in shop.search("lamp").hits]
