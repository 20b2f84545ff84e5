"""The store of rules: an index of its own, in which nothing is overwritten."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from elasticsearch import ApiError, ConflictError, Elasticsearch, NotFoundError

from es_hybrid.client import reason_of, translated
from es_hybrid.errors import ElasticsearchError, InvalidRequest
from es_hybrid.merchandising.rules.rule import Rule, RuleVersion
from es_hybrid.merchandising.rules.stored import (
    HEAD,
    MAPPINGS,
    MAX_RULES,
    RULES_INDEX,
    SETTINGS,
    document,
    id_of,
    versions_in,
    with_change,
)

_PLACE = f"index {RULES_INDEX}"
# Rules in one request.
_BATCH = 1000
# How often a head is written against other writers.
_ATTEMPTS = 20


class RuleStore:
    """Reads and writes the rules of a cluster. Every change is a new version.

    Raises everywhere:
        ElasticsearchError: the cluster cannot be reached, or refuses.
    """

    def __init__(self, client: Elasticsearch) -> None:
        self._client = client

    def list_rules(self) -> list[RuleVersion]:
        """The latest version of each rule, drafts too, by id; without rules that were deleted."""
        found = self._by_rule({"term": {"latest": True}})
        return [found[id_] for id_ in sorted(found) if not found[id_].deleted]

    def history(self, id: str) -> list[RuleVersion]:  # noqa: A002 - the name used everywhere
        """All versions of a rule, the newest first; of a deleted rule as well.

        Raises:
            InvalidRequest: there is no such rule.
        """
        found = self._versions({"term": {"rule": id}}, "version:desc")
        if not found:
            raise _unknown(id)
        return found

    def put(self, rule: Rule, *, author: str, draft: bool = False) -> RuleVersion:
        """Store a new version of a rule; without `draft` it is live at once.

        Raises:
            InvalidRequest: someone else changed the rule meanwhile.
        """
        return self.put_all([rule], author=author, draft=draft)[0]

    def put_all(
        self, rules: Sequence[Rule], *, author: str, draft: bool = False
    ) -> list[RuleVersion]:
        """As `put`, for several rules, each of which must have an id of its own.

        Raises:
            InvalidRequest: an id occurs twice, someone else changed a rule meanwhile, or there are
                too many.
        """
        for id_, count in Counter(rule.id for rule in rules).items():
            if count > 1:
                raise InvalidRequest("it occurs twice", place=f"rule {id_}", remedy="remove one")
        self._create()
        approver = None if draft else author
        written = []
        for start in range(0, len(rules), _BATCH):
            batch = rules[start : start + _BATCH]
            known = self._current([rule.id for rule in batch])
            made = [_next(known.get(rule.id), rule, author, approver) for rule in batch]
            written += self._write(made, known)
        return written

    def approve(self, id: str, *, author: str) -> RuleVersion:  # noqa: A002
        """Make the latest version live, as a new version.

        Raises:
            InvalidRequest: there is no such rule, it is deleted, or live already; or as `put`.
        """
        last = self._last(id)
        if last.approved_by is not None:
            raise InvalidRequest(
                f"version {last.version} is approved already, by {last.approved_by}",
                place=f"rule {id}",
            )
        return self._change(last, last.rule, author=author, approver=author)

    def delete(self, id: str, *, author: str) -> RuleVersion:  # noqa: A002
        """End a rule; `undo` brings it back.

        Raises:
            InvalidRequest: there is no such rule; or as `put`.
        """
        last = self._last(id)
        return self._change(last, last.rule, author=author, approver=author, deleted=True)

    def undo(self, id: str, *, author: str) -> RuleVersion:  # noqa: A002
        """Take back the last change, by a new version.

        After a draft that is the version before it; after anything else, what was live before it,
        or the end of the rule if nothing was.

        Raises:
            InvalidRequest: there is no version before the last one; or as `put`.
        """
        last, *earlier = self.history(id)
        if not earlier:
            raise InvalidRequest(
                "there is no earlier version", place=f"rule {id}", remedy="delete the rule instead"
            )
        if last.approved_by is not None:
            earlier = [each for each in earlier if each.approved_by is not None]
        if not earlier:
            return self._change(last, last.rule, author=author, approver=author, deleted=True)
        before = earlier[0]
        approver = None if before.approved_by is None else author
        return self._change(
            last, before.rule, author=author, approver=approver, deleted=before.deleted
        )

    def _last(self, id_: str) -> RuleVersion:
        """The latest version of a rule that is not deleted."""
        last = self._current([id_]).get(id_)
        if last is None or last.deleted:
            raise _unknown(id_)
        return last

    def _change(self, last: RuleVersion, rule: Rule, **how: Any) -> RuleVersion:
        made = _next(last, rule, how.pop("author"), how.pop("approver"), **how)
        return self._write([made], {rule.id: last})[0]

    def _write(
        self, made: Sequence[RuleVersion], known: Mapping[str, RuleVersion]
    ) -> list[RuleVersion]:
        """Create the versions, then correct the flags of earlier ones, then bump the head."""
        with _translated():
            self._check_room(made, known)
            created = self._bulk(
                part for each in made for part in ({"create": {"_id": id_of(each)}}, document(each))
            )
            written = [each for each, status in zip(made, created, strict=True) if status < 300]
            if written:
                self._flag(written)
                self._bump([id_of(each) for each in written])
        if len(written) < len(made):
            lost = next(e for e, status in zip(made, created, strict=True) if status >= 300)
            raise InvalidRequest(
                f"someone else wrote version {lost.version} at the same time; "
                f"{len(written)} of {len(made)} rules were written",
                place=f"rule {lost.rule.id}",
                remedy="read the rule again, then repeat the change",
            )
        return list(made)

    def _check_room(self, made: Sequence[RuleVersion], known: Mapping[str, RuleVersion]) -> None:
        new = sum(1 for each in made if each.rule.id not in known)
        count = int(self._client.count(index=RULES_INDEX, query={"term": {"live": True}})["count"])
        if new and count + new > MAX_RULES:
            raise InvalidRequest(
                f"more than {MAX_RULES:,} rules", place=_PLACE, remedy="delete some"
            )

    def _flag(self, written: Sequence[RuleVersion]) -> None:
        """Take `latest` from all earlier versions, and `live` if a new one is approved."""
        self._client.indices.refresh(index=RULES_INDEX)
        new = {each.rule.id: each for each in written}
        flags = [{"term": {"latest": True}}, {"term": {"live": True}}]
        earlier = {
            "filter": [{"terms": {"rule": list(new)}}, {"bool": {"should": flags}}],
            "must_not": [{"ids": {"values": list(map(id_of, written))}}],
        }
        parts: list[Mapping[str, Any]] = []
        for hit in self._hits({"bool": earlier}, "version", source_excludes=["stored"]):
            version = new[hit["_source"]["rule"]]
            if hit["_source"]["version"] < version.version:
                ended = {"latest": False} | ({} if version.approved_by is None else {"live": False})
                parts += [{"update": {"_id": hit["_id"]}}, {"doc": ended}]
        if parts:
            self._bulk(iter(parts), refresh=True)

    def _bump(self, ids: Sequence[str]) -> None:
        """Give the head a new revision, after all other writes are visible to searches."""
        for _ in range(_ATTEMPTS):
            try:
                head = self._client.get(index=RULES_INDEX, id=HEAD)
                place = {"if_seq_no": head["_seq_no"], "if_primary_term": head["_primary_term"]}
                source = head["_source"]
            except NotFoundError:
                place, source = {"op_type": "create"}, {}
            changed = with_change(source, uuid.uuid4().hex, ids)
            try:
                self._client.index(index=RULES_INDEX, id=HEAD, document=changed, **place)
            except ConflictError:
                continue
            return
        raise ElasticsearchError(
            "too many others write rules at the same time",
            place=_PLACE,
            remedy="the rules are stored; change one of them to make them live",
        )

    def _current(self, ids: Sequence[str]) -> dict[str, RuleVersion]:
        """The latest version of each of these rules, deleted ones as well."""
        return self._by_rule(
            {"bool": {"filter": [{"term": {"latest": True}}, {"terms": {"rule": ids}}]}}
        )

    def _by_rule(self, query: Mapping[str, Any]) -> dict[str, RuleVersion]:
        """The last of the versions found of each rule: a writer may have failed before `_flag`."""
        return {each.rule.id: each for each in self._versions(query, "version")}

    def _versions(self, query: Mapping[str, Any], sort: str) -> list[RuleVersion]:
        with _translated():
            return list(versions_in(self._hits(query, sort)))

    def _hits(self, query: Mapping[str, Any], sort: str, **options: Any) -> list[dict[str, Any]]:
        found = self._client.search(
            index=RULES_INDEX,
            query=query,
            sort=sort,
            size=MAX_RULES,
            ignore_unavailable=True,
            **options,
        )
        hits: list[dict[str, Any]] = found["hits"]["hits"]
        return hits

    def _bulk(self, parts: Iterator[Mapping[str, Any]], *, refresh: bool = False) -> list[int]:
        """The status of each action.

        Raises:
            ElasticsearchError: one failed for another reason than a conflict.
        """
        answer = self._client.bulk(index=RULES_INDEX, operations=list(parts), refresh=refresh)
        results = [result for item in answer["items"] for result in item.values()]
        for result in results:
            if result["status"] >= 300 and result["status"] != 409:
                raise ElasticsearchError(
                    f"a rule cannot be written: {reason_of(result['error'])}", place=_PLACE
                )
        return [int(result["status"]) for result in results]

    def _create(self) -> None:
        with _translated():
            if self._client.indices.exists(index=RULES_INDEX):
                return
            try:
                self._client.indices.create(index=RULES_INDEX, settings=SETTINGS, mappings=MAPPINGS)
            except ApiError as error:
                if error.error != "resource_already_exists_exception":
                    raise


@contextmanager
def _translated() -> Iterator[None]:
    with translated(_PLACE):
        yield


def _next(
    last: RuleVersion | None,
    rule: Rule,
    author: str,
    approver: str | None,
    *,
    deleted: bool = False,
) -> RuleVersion:
    return RuleVersion(
        rule=rule,
        version=last.version + 1 if last else 1,
        author=author,
        changed=datetime.now(UTC),
        approved_by=approver,
        deleted=deleted,
    )


def _unknown(id_: str) -> InvalidRequest:
    return InvalidRequest(
        "there is no such rule", place=f"rule {id_}", remedy="`es-hybrid rules list` names them"
    )
