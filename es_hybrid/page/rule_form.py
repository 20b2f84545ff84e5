"""A merchandising rule as the fields of a form, and back.

The form has only texts. A rule that it cannot show whole is edited as JSON (`is_common`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from es_hybrid.errors import InvalidRequest
from es_hybrid.merchandising.rules.rule import QUERY, Criterion, Rule, Weighted, parse_rule
from es_hybrid.page.typed import SIGNS, comparable, filters_of, lines_of, typed, typed_filters

__all__ = [
    "MATCHES",
    "RuleForm",
    "form_of",
    "is_common",
    "is_same",
    "json_of",
    "marked_in",
    "rule_from_json",
    "rule_of",
    "toggled",
]

MATCHES = ("contains", "exact", "prefix", "suffix", "fuzzy", "always")
"""How a query can be compared with the words of a rule."""

# Between a filter and its weight: `brand=Nike * 0.2`.
_TIMES = " * "


@dataclass(frozen=True, slots=True)
class RuleForm:
    """What the fields of the form contain, in their order on the page.

    Attributes:
        match: One of `MATCHES`.
        words: One a line; any of them is enough.
        context: `channel=b2b; basket>=100`.
        pin: Ids, one a line; so are excluded ones and synonyms.
        boost: `brand=Nike; price<=50 * 0.2`, one a line; so is `bury`.
        filter: `brand=Nike; price<=50`.
        rerank: `on`, `off` or empty.
        valid_from: A date or a time, in UTC unless it names another zone.
    """

    id: str = ""
    priority: str = "0"
    match: str = MATCHES[0]
    words: str = ""
    context: str = ""
    pin: str = ""
    exclude: str = ""
    boost: str = ""
    bury: str = ""
    filter: str = ""
    synonyms: str = ""
    replace: str = ""
    redirect: str = ""
    mode: str = ""
    rerank: str = ""
    valid_from: str = ""
    valid_until: str = ""
    note: str = ""


def rule_of(form: RuleForm) -> Rule:
    """The rule that a form describes.

    Raises:
        InvalidRequest: a field is unreadable; `place` is its name.
    """
    actions = {
        "pin": lines_of(form.pin),
        "exclude": lines_of(form.exclude),
        "boost": [_weighted(line, "boost") for line in lines_of(form.boost)],
        "bury": [_weighted(line, "bury") for line in lines_of(form.bury)],
        "filter": filters_of(form.filter, "filter"),
        "synonyms": lines_of(form.synonyms),
        "replace": form.replace.strip() or None,
        "redirect": form.redirect.strip() or None,
        "route": _route(form),
    }
    return parse_rule(
        {
            "id": form.id,
            "criteria": list(_criteria(form)),
            "actions": {name: value for name, value in actions.items() if value},
            "priority": _whole(form.priority or "0"),
            "valid_from": _time(form.valid_from, "valid_from"),
            "valid_until": _time(form.valid_until, "valid_until"),
            "note": form.note,
        }
    )


def form_of(rule: Rule) -> RuleForm:
    """The fields for a rule, as far as they can show it."""
    actions, route = rule.actions, rule.actions.route
    of_query = [each for each in rule.criteria if each.metadata == QUERY]
    asked = of_query[0] if of_query else Criterion(type="always")
    rerank = route.rerank if route else None
    return RuleForm(
        id=rule.id,
        priority=str(rule.priority),
        match=asked.type if asked.type in MATCHES else "always",
        words="\n".join(map(typed, asked.values)),
        context="; ".join(_context(rule)),
        pin="\n".join(actions.pin),
        exclude="\n".join(actions.exclude),
        boost="\n".join(map(_line, actions.boost)),
        bury="\n".join(map(_line, actions.bury)),
        filter="; ".join(typed_filters(actions.filter)),
        synonyms="\n".join(actions.synonyms),
        replace=actions.replace or "",
        redirect=actions.redirect or "",
        mode=(route.mode if route else None) or "",
        rerank="" if rerank is None else "on" if rerank else "off",
        valid_from=_date(rule.valid_from),
        valid_until=_date(rule.valid_until),
        note=rule.note,
    )


def is_common(rule: Rule) -> bool:
    """Whether the form can show the rule whole."""
    try:
        again = rule_of(form_of(rule))
    except InvalidRequest:
        return False
    return is_same(again, rule)


def is_same(one: Rule, other: Rule) -> bool:
    """Whether two rules do the same. In filters `"5"`, 5 and `[5]` are alike, in criteria not."""
    alike = comparable(one.model_dump()) == comparable(other.model_dump())
    return alike and one.criteria == other.criteria


def json_of(rule: Rule) -> str:
    """The rule as JSON, without what is as by default."""
    stored = rule.model_dump(mode="json", exclude_defaults=True)
    return orjson.dumps(stored, option=orjson.OPT_INDENT_2).decode()


def rule_from_json(text: str) -> Rule:
    """The rule in a JSON text.

    Raises:
        InvalidRequest: it is not JSON, or not a rule.
    """
    try:
        return parse_rule(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(
            f"not JSON: {error}", place="json", remedy="correct it, or choose the rule again"
        ) from None


def marked_in(form: RuleForm) -> dict[str, Sequence[str]]:
    """`pin` and `exclude` -> ids of products."""
    return {"pin": lines_of(form.pin), "exclude": lines_of(form.exclude)}


def toggled(marked: Mapping[str, Sequence[str]], act: str, id_: str) -> dict[str, tuple[str, ...]]:
    """The same with a product in `act` alone; in neither, if it was there."""
    left = {name: [each for each in ids if each != id_] for name, ids in marked.items()}
    if id_ not in marked[act]:
        left[act].append(id_)
    return {name: tuple(ids) for name, ids in left.items()}


def _criteria(form: RuleForm) -> Iterator[dict[str, Any]]:
    words, context = lines_of(form.words), filters_of(form.context, "context")
    if form.match != "always":
        if not words:
            raise InvalidRequest(
                "no words to look for", place="words", remedy="type some, or choose 'always'"
            )
        yield {"type": form.match, "values": words}
    elif not context:
        yield {"type": "always"}
    for name, value in context.items():
        bounds = value if isinstance(value, Mapping) else {"exact": value}
        for kind, values in bounds.items():
            if kind == "not":
                raise InvalidRequest(
                    f"!= is no criterion of a rule, for {name}",
                    place="context",
                    remedy="name the values for which the rule applies",
                )
            several = values if isinstance(values, list) else [values]
            yield {"type": kind, "metadata": name, "values": several}


def _context(rule: Rule) -> Iterator[str]:
    for each in rule.criteria:
        sign = SIGNS.get(each.type, "=")
        if each.metadata != QUERY:
            yield from (f"{each.metadata}{sign}{typed(value)}" for value in each.values)


def _weighted(line: str, place: str) -> dict[str, Any]:
    typed, times, weight = line.rpartition(_TIMES)
    filters = filters_of(typed if times else line, place)
    if not times:
        return {"filter": filters}
    try:
        return {"filter": filters, "weight": float(weight)}
    except ValueError:
        raise InvalidRequest(
            f"{weight!r} is no weight", place=place, remedy="write a line as brand=Nike * 0.2"
        ) from None


def _line(weighted: Weighted) -> str:
    return f"{'; '.join(typed_filters(weighted.filter))}{_TIMES}{typed(weighted.weight)}"


def _route(form: RuleForm) -> dict[str, Any] | None:
    route: dict[str, Any] = {"mode": form.mode or None}
    route["rerank"] = {"on": True, "off": False}.get(form.rerank)
    return route if any(value is not None for value in route.values()) else None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest(
            f"{text!r} is no whole number", place="priority", remedy="write one such as 10"
        ) from None


def _time(text: str, place: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest(
            f"{text!r} is no time", place=place, remedy="write it as 2026-12-01 09:00"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _date(time: datetime | None) -> str:
    text = "" if time is None else typed(time).removesuffix("+00:00")
    return text.removesuffix(":00").removesuffix(" 00:00")
