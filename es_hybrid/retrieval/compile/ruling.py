"""What the rules that fired do to a search. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from es_hybrid.filters import filter_clauses
from es_hybrid.merchandising.rules.rule import RuleVersion
from es_hybrid.retrieval.compile.signals import OF_RULES
from es_hybrid.retrieval.nodes import Clause
from es_hybrid.retrieval.request import Mode, SearchRequest
from es_hybrid.retrieval.response import FiredRule, Retrieved
from es_hybrid.settings.signals import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The actions of all rules that fired, without those that a higher priority overrules.

    Attributes:
        pin: Ids, best first.
        clauses: What every hit must match: filters, and no excluded product.
        signals: Boosts, and with a negative weight, buries.
        synonyms: Rules in Solr's format.
        replace: Text searched instead of the query.
        mode: Legs to run, if a rule says so.
        rerank: Whether to rerank, if a rule says so.
        notes: Why no rules were read.
        degraded: Why rules may be older than they should be.
    """

    fired: tuple[FiredRule, ...] = ()
    pin: tuple[str, ...] = ()
    clauses: tuple[Clause, ...] = ()
    signals: tuple[Signal, ...] = ()
    synonyms: tuple[str, ...] = ()
    replace: str | None = None
    redirect: str | None = None
    mode: Mode | None = None
    rerank: bool | None = None
    notes: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()

    def applied(self, request: SearchRequest, signals: Sequence[Signal]) -> SearchRequest:
        """The request that the rules make of this one.

        Args:
            signals: Those of the settings, for a request without its own.
        """
        if not self.fired:
            return request
        own = signals if request.signals is None else request.signals
        return replace(
            request,
            text=self.replace or request.text,
            pinned=tuple(dict.fromkeys([*self.pin, *request.pinned])),
            mode=self.mode or request.mode,
            rerank=request.rerank if self.rerank is None else self.rerank,
            signals=(*own, *self.signals) if self.signals else request.signals,
        )

    def reported(self, found: Retrieved) -> Retrieved:
        """The result, with the rules that fired."""
        if not (self.fired or self.notes or self.degraded):
            return found
        return replace(
            found,
            rules=self.fired,
            redirect=self.redirect,
            notes=(*found.notes, *self.notes),
            degraded=(*self.degraded, *found.degraded),
        )


NO_RULING = Ruling()


def ruling_of(
    rules: Sequence[RuleVersion],
    *,
    mode: Mode | None = None,
    rerank: bool | None = None,
    without: Collection[str] = (),
) -> Ruling:
    """What rules do together.

    Args:
        rules: The highest priority first.
        mode: Legs that the request asks for; None if a rule may choose them.
        rerank: Whether the request asks for a reranker; None if a rule may decide.
        without: Actions that the search cannot do.
    """
    if not rules:
        return NO_RULING
    asked = {"mode": mode, "rerank": rerank}
    court = _Court({name: value for name, value in asked.items() if value is not None}, without)
    fired = tuple(map(court.judge, rules))
    changes = [(rule.id, rule.changed) for rule in fired]
    filters = [change["filter"] for _, change in changes if "filter" in change]
    if excluded := _all("exclude", fired):
        filters.append({"_id": {"not": excluded}})
    return Ruling(
        fired=fired,
        pin=tuple(_all("pin", fired)),
        clauses=tuple(clause for each in filters for clause in filter_clauses(each)),
        signals=tuple(
            Signal(filter=each["filter"], weight=sign * each["weight"], name=f"{OF_RULES}{id_}")
            for id_, change in changes
            for action, sign in (("boost", 1), ("bury", -1))
            for each in change.get(action, ())
        ),
        synonyms=tuple(_all("synonyms", fired)),
        **{name: value for name, value in court.decided.items() if asked.get(name) is None},
    )


def _all(action: str, fired: Sequence[FiredRule]) -> list[str]:
    """The values of all rules, each once."""
    return list(dict.fromkeys(v for rule in fired for v in rule.changed.get(action, ())))


class _Court:
    """Decides what each rule may do, given those of higher priority.

    Args:
        decided: What the request decides.
        without: Actions that the search cannot do.
    """

    def __init__(self, decided: Mapping[str, Any], without: Collection[str]) -> None:
        self.decided = dict(decided)
        self._without = without
        self._pinned: set[str] = set()
        self._excluded: set[str] = set()

    def judge(self, version: RuleVersion) -> FiredRule:
        given = version.rule.actions.named
        changed = {name: self._allowed(name, value) for name, value in given.items()}
        return FiredRule(
            id=version.rule.id,
            version=version.version,
            changed={name: value for name, value in changed.items() if value},
            overruled=tuple(name for name in given if changed[name] != given[name]),
        )

    def _allowed(self, action: str, value: Any) -> Any:
        """What remains of an action; nothing if it is overruled."""
        if action in self._without:
            return None
        match action:
            case "pin":
                kept = [id_ for id_ in value if id_ not in self._excluded]
                self._pinned.update(kept)
                return kept
            case "exclude":
                kept = [id_ for id_ in value if id_ not in self._pinned]
                self._excluded.update(kept)
                return kept
            case "replace" | "redirect":
                return value if self._is_first(action, value) else None
            case "route":
                return {name: v for name, v in value.items() if self._is_first(name, v)}
        return value

    def _is_first(self, name: str, value: Any) -> bool:
        return bool(self.decided.setdefault(name, value) == value)
