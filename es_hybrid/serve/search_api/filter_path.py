"""`filter_path`: the parts of an answer that a caller asks for, with Elasticsearch's meaning.

The patterns form a tree with one step for each name. A state is the set of steps that the names
from the top of the answer lead to. What follows a state is computed once for each name, so the work
is the size of the answer, plus the length of the patterns for each distinct path in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ANY_DEPTH = "**"
# A name and the dot that ends it; `\.` is a dot within the name.
_NAME = re.compile(r"((?:\\\.|[^.])++)\.")
_NOTHING = object()


def filtered(content: Any, paths: Sequence[str]) -> Any:
    """The parts of the content that the paths select.

    Args:
        paths: Dotted, with `*` within a name and `**` for one or more names. A path that starts
            with `-` excludes. Empty ones are ignored.
    """
    includes = [path for path in paths if path and not path.startswith("-")]
    excludes = [path[1:] for path in paths if path.startswith("-")]
    if includes:
        content = _selected(content, _first_state(includes), keep=True)
    if excludes and content is not _NOTHING:
        content = _selected(content, _first_state(excludes), keep=False)
    return {} if content is _NOTHING else content


def _selected(content: Any, state: _State, *, keep: bool) -> Any:
    """What the patterns match of the content; without `keep`, the rest."""
    if state.all_below or not state.steps:
        return content if state.all_below == keep else _NOTHING
    left: Any
    if isinstance(content, Mapping):
        parts = {n: _selected(part, state.after(n), keep=keep) for n, part in content.items()}
        left = {name: part for name, part in parts.items() if part is not _NOTHING}
    elif isinstance(content, list):
        items = [_selected(item, state, keep=keep) for item in content]
        left = [item for item in items if item is not _NOTHING]
    else:
        return _NOTHING if keep else content
    # What was empty before has not been excluded.
    return left if left or not (keep or content) else _NOTHING


@dataclass(slots=True, eq=False)
class _Step:
    """A name of the patterns.

    Attributes:
        last: Whether a pattern ends here, so that everything below matches.
        again: Whether the step follows itself.
        named: The steps that follow, by name.
        globs: Those with a `*` in the name.
    """

    last: bool = False
    again: bool = False
    named: dict[str, _Step] = field(default_factory=dict)
    globs: dict[str, _Step] = field(default_factory=dict)

    def add(self, path: str) -> None:
        """Add a pattern below this step."""
        step, start = self, 0
        while name := _NAME.match(path, start):
            step, start = step._below(name[1]), name.end()
        step._below(path[start:]).last = True

    def after(self, name: str) -> Iterator[_Step]:
        """The steps that this name leads to."""
        if (step := self.named.get(name)) is not None:
            yield step
        yield from (step for glob, step in self.globs.items() if _matches(glob, name))
        if self.again:
            yield self

    def _below(self, name: str) -> _Step:
        if "\\." in name:
            name = re.sub(r"\\.", ".", name)  # as Elasticsearch does
        steps = self.globs if "*" in name else self.named
        return steps.setdefault(name, _Step(again=name == _ANY_DEPTH))


class _State:
    """The steps that some names lead to.

    Attributes:
        all_below: Whether everything below matches.
    """

    def __init__(self, steps: frozenset[_Step], known: dict[frozenset[_Step], _State]) -> None:
        self.steps = steps
        self.all_below = any(step.last for step in steps)
        self._known = known
        self._next: dict[str, _State] = {}

    def after(self, name: str) -> _State:
        """The state one name further down."""
        if (state := self._next.get(name)) is None:
            steps = frozenset(below for step in self.steps for below in step.after(name))
            if (state := self._known.get(steps)) is None:
                state = self._known[steps] = _State(steps, self._known)
            self._next[name] = state
        return state


def _first_state(paths: Iterable[str]) -> _State:
    root = _Step()
    for path in filter(None, map(str.strip, paths)):
        root.add(path)
    return _State(frozenset((root,)), {})


def _matches(glob: str, name: str) -> bool:
    """Whether the glob, which has a `*`, matches the whole name."""
    first, *middle, last = glob.split("*")
    end = len(name) - len(last)
    if len(first) > end or not (name.startswith(first) and name.endswith(last)):
        return False
    at = len(first)
    for part in middle:
        if (found := name.find(part, at, end)) < 0:
            return False
        at = found + len(part)
    return True
