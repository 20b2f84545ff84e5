"""9. Dead letters are complete and can be replayed.

They are on the disk before the ledger says so, and a crash in between does not double them: see
tests/ingest/record/test_dead_letters.py, tests/ingest/load/test_job.py and test_02_crash.py.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import FaultyProxy, Forward, bulk_answer, error_item, operations_of
from tests.fakes.http import Answer, json_answer
from tests.ingest.conftest import Shop

ROWS = 300
# Bad rows per stage.
BAD = 10


def test_every_bad_row_of_every_stage_is_there_and_comes_in_after_the_fix(
    node: EmbeddedNode, open_shop: Callable[..., Shop]
) -> None:
    numbers = random.Random(9).sample(range(ROWS), 4 * BAD)
    unreadable, unclean, unembedded, unwritten = (
        sorted(numbers[stage * BAD : (stage + 1) * BAD]) for stage in range(4)
    )
    is_broken = True
    fired: Counter[str] = Counter()

    def refuse_texts(request: dict[str, Any], _number: int) -> Any:
        refused = {f"Product {n}" for n in unembedded} & set(request["input"])
        if not (is_broken and refused):
            return None
        fired["embed"] += 1
        return json_answer(400, {"error": {"message": "this text is not for me"}})

    def refuse_documents(path: str, body: bytes, ask: Forward) -> Answer | None:
        if not (is_broken and "/_bulk" in path):
            return None
        operations = operations_of(body)
        refused = {f"P{n}" for n in unwritten}
        passed = b"".join(lines for id_, lines in operations if id_ not in refused)
        answered = iter(ask(passed).json()["items"] if passed else ())
        fired["bulk"] += sum(id_ in refused for id_, _ in operations)
        items = [error_item(i, 400) if i in refused else next(answered) for i, _ in operations]
        return bulk_answer(items)

    rows = [{"id": f"P{n}", "title": f"Product {n}", "price": 1} for n in range(ROWS)]
    for n in unclean:
        rows[n]["price"] = "12,99"
    lines = [json.dumps(row) for row in rows]
    for n in unreadable:
        lines[n] = lines[n][:-1]
    with FaultyProxy(node.url, refuse_documents) as proxy:
        shop = open_shop(fault=refuse_texts, url=proxy.url)
        (shop.folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
        tally = shop.load()
        assert (tally.created, tally.rejected) == (ROWS - 4 * BAD, 4 * BAD)
        assert min(fired["embed"], fired["bulk"]) >= BAD

        letters = shop.dead_letters
        stages = {"read": unreadable, "clean": unclean, "embed": unembedded, "bulk": unwritten}
        path = shop.folder / "rows.jsonl"
        for stage, bad in stages.items():
            found = sorted(letter["place"] for letter in letters if letter["stage"] == stage)
            assert found == sorted(f"{path}:{n + 1}" for n in bad)
        for letter in letters:
            assert letter["index"] == shop.settings.index.name
            assert letter["reason"]
            assert letter["remedy"]
            number = int(letter["place"].rpartition(":")[2]) - 1
            if letter["stage"] == "read":
                assert letter["row"] == lines[number]
            else:
                assert (letter["id"], letter["row"]) == (f"P{number}", rows[number])

        is_broken = False
        for letter in letters:
            if letter["stage"] == "read":
                letter["row"] = json.loads(letter["row"] + "}")
            letter["row"]["price"] = 12.99
        (shop.folder / "dead.jsonl").write_text("".join(json.dumps(x) + "\n" for x in letters))
        tally = shop.replay()
    assert (tally.created, tally.rejected) == (4 * BAD, 0)
    assert shop.dead_letters == []
    assert {*shop.stored()} == {f"P{n}" for n in range(ROWS)}
