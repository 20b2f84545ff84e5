"""What searches remember for a while."""

from __future__ import annotations

from threading import RLock
from typing import Any, TypeVar

from cachetools import TTLCache

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Remembered(TTLCache[_Key, _Value]):
    """A bounded cache whose entries expire; safe for threads.

    Args:
        maxsize: Entries.
        ttl: Seconds until an entry is forgotten.
    """

    def __init__(self, maxsize: float, ttl: float) -> None:
        self._lock = RLock()
        super().__init__(maxsize, ttl)

    def __getitem__(self, key: _Key) -> _Value:
        with self._lock:
            return super().__getitem__(key)

    def __setitem__(self, key: _Key, value: _Value) -> None:
        with self._lock:
            super().__setitem__(key, value)

    def get(self, key: _Key, default: Any = None) -> Any:
        """The value, or the default if it is unknown or has expired."""
        with self._lock:
            return super().get(key, default)

    def pop(self, key: _Key, default: Any = None) -> Any:
        """The value, which is forgotten; the default if it is unknown."""
        with self._lock:
            return super().pop(key, default)
