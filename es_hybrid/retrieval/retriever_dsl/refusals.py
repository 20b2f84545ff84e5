"""Elasticsearch's errors for malformed bodies."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from es_hybrid.errors import RequestRefused

PARSING = "parsing_exception"
X_CONTENT = "x_content_parse_exception"
PARSE = "parse_exception"
ILLEGAL = "illegal_argument_exception"
INVALID = "action_request_validation_exception"
NOT_FOUND = "named_object_not_found_exception"

# Errors that are their own root cause at any depth.
_OF_PARSING = (PARSING, X_CONTENT, NOT_FOUND)


def refused(
    reason: str,
    *,
    type: str = ILLEGAL,  # noqa: A002 - Elasticsearch's own word
    cause: Mapping[str, Any] | None = None,
    remedy: str = "",
) -> RequestRefused:
    """A refusal with status 400.

    Args:
        cause: The error behind it, for `caused_by`.
    """
    error: dict[str, Any] = {"type": type, "reason": reason}
    root = _root_of(error, cause)
    if cause is not None:
        error["caused_by"] = cause
    answer = {"error": {"root_cause": [root], **error}, "status": 400}
    deepest = _deepest(error)["reason"]
    return RequestRefused(
        reason if deepest == reason else f"{reason}: {deepest}",
        type=type,
        answer=answer,
        remedy=remedy,
    )


def invalid(problems: Sequence[str]) -> RequestRefused:
    """A refusal of a well-formed body that contradicts itself."""
    listed = "".join(f"{number}: {problem};" for number, problem in enumerate(problems, 1))
    return refused(f"Validation Failed: {listed}", type=INVALID)


def unknown_field(kind: str, name: str, known: Iterable[str]) -> RequestRefused:
    """A refusal of an unknown parameter."""
    return refused(f"[{kind}] unknown field [{name}]{suggestion(name, known)}", type=X_CONTENT)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Elasticsearch's "did you mean"; empty if no name is similar."""
    # The comparison takes long for a long name, which is close to none.
    similar = [each for each in known if len(name) < 2 * len(each)]
    close = difflib.get_close_matches(name, similar, cutoff=0.7) if similar else []
    if not close:
        return ""
    return (
        f" did you mean [{close[0]}]?"
        if len(close) == 1
        else (f" did you mean any of [{', '.join(close)}]?")
    )


@contextlib.contextmanager
def inside(kind: str, field: str, *, outer: str = X_CONTENT) -> Iterator[None]:
    """Wrap a refusal inside a field of an object, as Elasticsearch's parser does.

    Args:
        outer: Error type of the object.
    """
    try:
        yield
    except RequestRefused as inner:
        cause = {k: v for k, v in inner.body()["error"].items() if k != "root_cause"}
        reason = f"[{kind}] failed to parse field [{field}]"
        raise refused(reason, type=outer, cause=cause) from None


@contextlib.contextmanager
def built(kind: str) -> Iterator[None]:
    """Wrap what the constructor of an object refuses, as Elasticsearch's parser does."""
    try:
        yield
    except RequestRefused as inner:
        if inner.type not in (ILLEGAL, PARSE):
            raise
        cause = {k: v for k, v in inner.body()["error"].items() if k != "root_cause"}
        reason = f"Failed to build [{kind}] after last required field arrived"
        raise refused(reason, type=X_CONTENT, cause=cause) from None


@contextlib.contextmanager
def as_parsing_error() -> Iterator[None]:
    """Wrap what the parser of a query, or of some retrievers, refuses: a `parsing_exception`."""
    try:
        yield
    except RequestRefused as error:
        if error.type == PARSING:
            raise
        inner = {k: v for k, v in error.body()["error"].items() if k != "root_cause"}
        raise refused(inner["reason"], type=PARSING, cause=inner) from None


def token(value: Any) -> str:
    """The token name of Elasticsearch's parser for a JSON value."""
    match value:
        case None:
            return "VALUE_NULL"
        case bool():
            return "VALUE_BOOLEAN"
        case int() | float():
            return "VALUE_NUMBER"
        case str():
            return "VALUE_STRING"
        case Mapping():
            return "START_OBJECT"
        case _:
            return "START_ARRAY"


def _root_of(error: Mapping[str, Any], cause: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The deepest parsing error: a `parsing_exception`, or one with a cause of another kind."""
    while error["type"] != PARSING and cause is not None and cause["type"] in _OF_PARSING:
        error, cause = cause, cause.get("caused_by")
    return {"type": error["type"], "reason": error["reason"]}


def _deepest(error: Mapping[str, Any]) -> Mapping[str, Any]:
    while (cause := error.get("caused_by")) is not None:
        error = cause
    return error
