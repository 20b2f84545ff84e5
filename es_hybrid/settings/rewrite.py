"""Rules that make plain searches hybrid, `[[serve.rewrite]]`."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from es_hybrid.settings.section import Section

FormName = Literal["searchkit", "search-ui", "magento", "elasticsuite", "shopware", "saleor"]

_PATH = re.compile(r"(?:[\w@-]+|\*{1,2})(?:\[\*\])?(?:\.(?:[\w@-]+|\*{1,2})(?:\[\*\])?)*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def _path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError(
            f"[{value}] is not a path: write keys with dots between them, `*` for any key, `**` "
            "for any number of keys and `[*]` behind the key of a list, as in "
            "query.bool.must[*].multi_match.query"
        )
    return value


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError(f"[{value}] is not the name of a header: write one such as X-Session-Id")
    return value.lower()


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"[{value}] is not a name: use letters, digits, and . _ -")
    return value


class RewriteRule(Section):
    """One rule: which searches become hybrid, and where their text is."""

    name: Annotated[str, AfterValidator(_name)] | None = None
    """Name of the rule in logs and metrics. Unset: its form, or `text`."""
    index: str = Field("*", min_length=1)
    """Indices whose searches it applies to, as the shop names them, with `*` and `?`."""
    form: FormName | None = None
    """Search body of a platform: `searchkit`, `search-ui`, `magento`, `elasticsuite`, `shopware`
    or `saleor`."""
    text: tuple[Annotated[str, AfterValidator(_path)], ...] = ()
    """Instead of `form`: paths of the shopper's text in the body."""
    share: float = Field(1.0, ge=0, le=1)
    """Share of the searches that become hybrid, 0 to 1."""
    share_by: Annotated[str, AfterValidator(_header)] | None = None
    """Header whose value decides whether a search belongs to the share, e.g. `X-Session-Id`.
    Unset, or missing in a request: the text decides."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.form is None) == (not self.text):
            raise ValueError("set either form or text")
        return self

    @property
    def label(self) -> str:
        """The name in logs and metrics."""
        return self.name or self.form or "text"


def distinct(rules: tuple[RewriteRule, ...]) -> tuple[RewriteRule, ...]:
    """Refuse two rules of one name, which could not be told apart.

    Raises:
        ValueError: there are some.
    """
    labels = [rule.label for rule in rules]
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise ValueError(f"two rules are named {', '.join(twice)}: give each a name of its own")
    return rules
