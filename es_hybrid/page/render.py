"""Results as HTML. The templates escape every text of a product, a user or an error."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from es_hybrid.errors import EsHybridError
from es_hybrid.page.words import PageWords

__all__ = ["notice", "problem", "render"]


def render(name: str, words: PageWords, **values: Any) -> str:
    """Render a template.

    Args:
        name: Name of a file in `templates/`, without its extension.
        words: Texts of the page; `t` in the template.
        values: Variables of the template.
    """
    return _template(name).render(t=words, **values)


def notice(words: PageWords, text: str, *, kind: str = "hint") -> str:
    """A box with one sentence.

    Args:
        kind: `hint`, `done` or `warning`.
    """
    return render("notice", words, kind=kind, text=text, remedy="", place="")


def problem(words: PageWords, error: EsHybridError) -> str:
    """An error as sentences: problem, remedy and place."""
    return render(
        "notice", words, kind="problem", text=error.message, remedy=error.remedy, place=error.place
    )


@lru_cache
def _template(name: str) -> Template:
    return _environment().get_template(f"{name}.html")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("es_hybrid.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["sentence"] = _sentence
    environment.filters["minute"] = _minute
    return environment


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


def _sentence(text: str) -> str:
    """The text with a capital and a full stop, which error messages lack."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?。" else ".")
