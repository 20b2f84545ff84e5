"""The documentation agrees with the code."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from es_hybrid.node import EmbeddedNode

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("page", "function"),
    [
        ("api.md", "api_reference"),
        ("cli.md", "cli_reference"),
        ("settings.md", "settings_reference"),
    ],
)
def test_the_reference_pages_are_what_the_code_says(page: str, function: str) -> None:
    written = runpy.run_path(str(ROOT / "docs/make_reference.py"))[function]()
    assert (ROOT / "docs" / page).read_text("utf-8") == written, "run `make docs`"


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_the_tables_of_figures_are_what_the_results_say(page: str) -> None:
    with_table = runpy.run_path(str(ROOT / "docs/make_figures.py"))["with_table"]
    written = (ROOT / page).read_text("utf-8")
    assert with_table(page, written) == written, "run `python docs/make_figures.py`"


def test_every_setting_says_what_it_means() -> None:
    assert "| None |" not in (ROOT / "docs/settings.md").read_text("utf-8")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", *sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")
)])  # fmt: skip
def test_links_between_the_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [target for target in targets if not ((ROOT / page).parent / target).exists()]
    assert not missing
    for url in re.findall(r"\]\((https?:[^)]*)\)", text):
        assert "." in (urlsplit(url).hostname or ""), url


def test_the_program_of_the_reference_of_the_api_runs(
    node: EmbeddedNode,
    catalogue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = "docs/api.md"
    program = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_ELASTICSEARCH__URL", node.url)
    monkeypatch.setenv("ES_HYBRID_INDEX__NAME", catalogue)
    exec(compile(program, page, "exec"), {})
    assert "1 Chemise" in capsys.readouterr().out
