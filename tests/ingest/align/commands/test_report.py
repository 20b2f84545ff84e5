from __future__ import annotations

import stat
from html.parser import HTMLParser
from pathlib import Path

from tests.align.catalogue import run
from tests.ingest.align.commands.kettles import B2, write_csv


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_text_or_a_page_without_scripts() -> None:
    evil = "<img src=x onerror=alert(1)>Kettle 1.7 L"
    Path("es-hybrid.toml").write_text("[align]\nmerge = 1.0\nreview = 0.0\n", encoding="utf-8")
    write_csv(Path("b2.csv"), [*B2[:1], ("k-en", "en", evil)])
    assert run("align", "run", "b2.csv").exit_code == 0
    run("align", "review", "--reject", "k-en", "k-zh", "--by", "Ann", "--reason", "<b>no</b>")
    text = run("align", "report")
    assert text.exit_code == 0, text.output
    assert "rejected  1" in text.stdout
    assert run("align", "report", "--html", "r.html").exit_code == 0
    page = _Page()
    page.feed(Path("r.html").read_text("utf-8"))
    assert page.links == []
    assert not {"img", "script", "b", "link"} & set(page.tags)
    assert "<b>no</b>" in page.text
    assert stat.S_IMODE(Path("r.html").stat().st_mode) == 0o600
