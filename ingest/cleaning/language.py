"""Language tags in BCP 47 form."""

from __future__ import annotations

import re
from functools import lru_cache

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<variants>(?:-[a-z0-9]{5,8}|-\d[a-z0-9]{3})*)",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def normalize_tag(tag: str) -> str:
    """A BCP 47 tag in canonical case: `zh_hans_cn` -> `zh-Hans-CN`.

    Raises:
        ValueError: it is not a language tag.
    """
    parts = _TAG.fullmatch(tag.strip().replace("_", "-"))
    if parts is None:
        raise ValueError(tag)
    script, region = parts["script"] or "", parts["region"] or ""
    named = (parts["language"].lower(), script.title(), region.upper())
    return "-".join(filter(None, named)) + parts["variants"].lower()
