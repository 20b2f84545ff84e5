"""The code blocks of a page of the documentation, with the comments before them.

HTML comments directly before a block say how a test treats it; a reader of the site does not see
them:

    <!-- not run here: needs Docker -->     why no test can run it
    <!-- run by .ci/readme.py -->           what runs it instead
    <!-- before: cp products.jsonl a.jsonl -->   a shell script that runs first, one line or more
    <!-- file: es-hybrid.toml -->           the block is this file, for the blocks below
    <!-- typed: a q -->                     what a person types: lines, `-` for an empty one
    <!-- exit status: 1 -->                 of the last command, if not 0
    <!-- prints -->                         the text that the Python block above prints
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_NOTES = {"not run here", "run by", "before", "file", "typed", "exit status", "prints"}
_COMMENTS_AND_FENCE = re.compile(
    r"(?P<comments>(?:^<!--(?:(?!-->).)*-->\n+)*)^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    line: int
    """Of the opening fence, from 1."""
    language: str
    text: str
    notes: Mapping[str, str]
    """The comments before it: word -> what follows it."""

    @property
    def left_out(self) -> bool:
        """Whether a comment says that the tests do not run it."""
        return bool(self.notes.get("not run here") or self.notes.get("run by"))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A command of a console block."""

    command: str
    output: str
    """What the page shows below it; empty if nothing."""


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, from top to bottom; a fence that is no block fails."""
    text = page.read_text("utf-8")
    blocks = [
        Block(
            line=text.count("\n", 0, found.start("language")) + 1,
            language=found["language"],
            text=found["text"],
            notes=dict(map(_note, re.findall(r"<!--(.*?)-->", found["comments"], re.DOTALL))),
        )
        for found in _COMMENTS_AND_FENCE.finditer(text)
    ]
    assert 2 * len(blocks) == len(re.findall(r"^ *```", text, re.MULTILINE)), page.name
    for block in blocks:
        assert block.notes.keys() <= _NOTES, f"{page.name}:{block.line}: {[*block.notes]}"
    return blocks


def _note(comment: str) -> tuple[str, str]:
    word, _, rest = comment.strip().partition(":")
    if word.startswith("run by "):
        return "run by", word.removeprefix("run by ")
    return word, rest.strip() or word


def commands_of(console: str) -> Iterator[Shown]:
    """The commands of a console block. One continues where a line ends within quotes or in a \\."""
    lines = console.splitlines()
    while lines:
        command = lines.pop(0)
        assert command.startswith("$ "), f"not a command: {command}"
        command = command.removeprefix("$ ")
        while _continues(command):
            command += "\n" + lines.pop(0)
        output = []
        while lines and not lines[0].startswith("$ "):
            output.append(lines.pop(0))
        yield Shown(command=command, output="\n".join(output).strip())


def _continues(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return command.endswith("\\")


def is_shown(shown: str, printed: str) -> bool:
    """Whether a page shows what a command prints.

    Spaces, ports, times, ids, ranks with a score, and numbers with a decimal point or a unit may
    differ. `…` stands for any characters, and on a line of its own for any lines.
    """
    lines = [
        "(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*?") + "\n"
        for line in _plain(shown)
    ]
    return re.fullmatch("".join(lines), "\n".join([*_plain(printed), ""])) is not None


def _plain(text: str) -> list[str]:
    for pattern, name in _VARIES:
        text = re.sub(pattern, name, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


_VARIES = (
    (r"(?:localhost|127\.0\.0\.1):\d+", "HOST"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*(?:\+00:00|Z| UTC)?", "TIME"),
    (r"\b\d{8}T\d{6}\.\d+Z", "TIME"),
    (r"\b(?=[a-z]*\d)[0-9a-f]{12,}\b", "ID"),
    (r"\b\d+ \(\d*\.\d+\)", "RANK (SCORE)"),  # of a stage: equal scores have no fixed order
    (r"[-−+]?(?:\d[\d,]*)?\.\d+", "N"),
    (r"\b\d[\d,]*(?= (?:s|ms|[KMG]i?B|rows/s|texts/s|pairs/s)\b)", "N"),
)
