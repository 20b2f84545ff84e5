"""Writing JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson


def encoded(content: Any, *, indented: bool = False) -> bytes:
    """As JSON, in UTF-8."""
    try:
        return orjson.dumps(content, option=orjson.OPT_INDENT_2 if indented else None)
    except orjson.JSONEncodeError:  # orjson reads whole numbers over 64 bits, but writes none
        return json.dumps(content, ensure_ascii=False, indent=2 if indented else None).encode()
