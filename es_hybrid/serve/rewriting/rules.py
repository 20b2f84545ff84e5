"""One rule: whether it applies to a search, and what it makes of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from fnmatch import translate
from typing import Any, Literal, NamedTuple

from es_hybrid.http.answers import Headers
from es_hybrid.serve.rewriting.forms import FORMS, BodyForm
from es_hybrid.serve.rewriting.paths import TextPath
from es_hybrid.serve.rewriting.texts import chosen, typed_text
from es_hybrid.settings.rewrite import RewriteRule

# Forces all rules on or off for one request.
HEADER = b"x-es-hybrid"

# `rewritten`: hybrid; `control`: not in the share, or switched off for this request.
RuleOutcome = Literal["rewritten", "control"]

# Parts of a body without a meaning next to a vector leaf, and those that es-hybrid answers anyway.
_UNSUITABLE = (
    "knn", "retriever", "search_after", "slice", "terminate_after", "rank", "scroll",
)  # fmt: skip


class Fitting(NamedTuple):
    """A search that a rule fits.

    Attributes:
        text: What the shopper typed.
        body: The search, with `ext.es_hybrid`.
    """

    rule: str
    outcome: RuleOutcome
    text: str
    body: Mapping[str, Any]


class Rewrite:
    """A rule of the settings."""

    def __init__(self, settings: RewriteRule) -> None:
        form = FORMS[settings.form] if settings.form else BodyForm(settings.text)
        self.name = settings.label
        self._searches = form.searches
        self._paths = [TextPath(path) for path in form.paths]
        self._signs = tuple(dict.fromkeys(path.signs for path in self._paths))
        self._index = re.compile(translate(settings.index))
        self._share = settings.share
        self._share_by = (settings.share_by or "").encode("ascii")

    def covers(self, index: str) -> bool:
        """Whether it applies to all of these indices, named as in a path; empty: to every index."""
        return all(map(self._index.match, index.split(",")))

    def may_fit(self, text: bytes) -> bool:
        """Whether it may fit a body, by its bytes: most need not be decoded."""
        return any(all(sign in text for sign in signs) for signs in self._signs)

    def fitted(self, body: Any, headers: Headers) -> Fitting | None:
        """The search made hybrid; None if it does not have the rule's form."""
        if not isinstance(body, Mapping) or any(name in body for name in _UNSUITABLE):
            return None
        found = next(filter(None, (list(path.texts(body)) for path in self._paths)), [])
        text = chosen(map(typed_text, found))
        if not text or not self._searches(body):
            return None
        extension: dict[str, Any] = {"text": text}
        if searched := dict.fromkeys(each.text for each in found if each.declared):
            extension["searched"] = list(searched)
        given = body.get("ext")
        ext = {**(given if isinstance(given, Mapping) else {}), "es_hybrid": extension}
        outcome: RuleOutcome = "rewritten" if self._in_share(text, headers) else "control"
        return Fitting(self.name, outcome, text, {**body, "ext": ext})

    def _in_share(self, text: str, headers: Headers) -> bool:
        """The same for all searches of a session, or of a text."""
        values = dict(headers)
        match values.get(HEADER, b"").strip().lower():
            case b"on":
                return True
            case b"off":
                return False
        decides = values.get(self._share_by) or text.casefold().encode()
        digest = hashlib.sha256(self.name.encode() + b"\0" + decides).digest()
        return int.from_bytes(digest[:8], "big") < self._share * 2**64
