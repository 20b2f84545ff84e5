"""What each group of commands may do in a cluster with security: `mappings/privileges.json`."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def groups() -> list[str]:
    """The names of the groups."""
    return list(_read("{index}"))


def role_of(group: str, index: str) -> dict[str, Any]:
    """The role of a group, as Elasticsearch's API keys and roles take it.

    Args:
        index: Index or alias of the products.
    """
    role: dict[str, Any] = _read(index)[group]
    return role


def _read(index: str) -> dict[str, Any]:
    text = files("mappings").joinpath("privileges.json").read_text("utf-8")
    roles: dict[str, Any] = json.loads(text.replace("{index}", index))
    return roles
