"""The `es-hybrid` command: help, error messages and exit statuses."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.fakes.http import Answer, HttpServer, dead_url, json_answer

COMMANDS = [
    "align",
    "demo",
    "doctor",
    "eval",
    "index",
    "ingest",
    "kibana",
    "model",
    "node",
    "rerank",
    "rules",
    "search",
    "serve",
    "similar",
    "suggest",
    "synonyms",
    "ui",
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Do not find a node that the developer runs.
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def assert_fails(result: Result, *words: str) -> None:
    """Exit status 2 and one message with these words; no traceback."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    for word in words:
        assert word in errors[0]


def test_help_names_every_command_with_its_purpose() -> None:
    listed = run("--help").stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == COMMANDS
    assert all(len(line.split()) > 2 for line in listed if line.strip())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_an_unknown_command_is_an_error() -> None:
    assert run("nonsense").exit_code == 2


def test_an_unreachable_cluster_names_url_and_remedy() -> None:
    url = dead_url()
    assert_fails(run("search", "x", "--url", url), url, "cannot be reached", "es-hybrid node start")
    assert_fails(run("index", "describe", "--url", url), url, "cannot be reached")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}),
        Answer(501, b"<html>Welcome</html>", {"Content-Type": "text/html"}),
        json_answer(404, {"detail": "Not Found"}),
    ],
)
@pytest.mark.parametrize("command", [("search", "x"), ("index", "describe")])
def test_another_server_is_not_elasticsearch(answer: Answer, command: tuple[str, ...]) -> None:
    with HttpServer(lambda request: answer) as server:
        result = run(*command, "--url", server.url)
        assert_fails(result, server.url, "not Elasticsearch", "elasticsearch.url")


def test_an_invalid_url_is_refused() -> None:
    assert_fails(run("search", "x", "--url", "localhost"), "localhost", "http://host:9200")


def test_a_missing_index_is_named(node: EmbeddedNode, index_name: str) -> None:
    result = run("search", "x", "--url", node.url, "--index", index_name)
    assert_fails(result, index_name, "no such index", "index create")


def test_a_wrong_embedding_url_is_named(
    node: EmbeddedNode, index_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__BASE_URL", dead_url())
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__MAX_RETRIES", "0")
    result = run("index", "create", "--url", node.url, "--index", index_name)
    assert_fails(result, "embedding server", "cannot be reached", "embedding.base_url")


def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__DIMS", "7")
    assert_fails(run("search", "x"), "embedding.dims")


def test_the_package_is_the_command() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "es_hybrid", "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout == run("--version").stdout


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("es-hybrid in", ["plain,index", "plain,ingest"]),
        ("es-hybrid index ro", ["plain,rollback"]),
        ("es-hybrid search --mo", ["plain,--mode"]),
        ("es-hybrid search --mode h", ["plain,hybrid"]),
        ("es-hybrid ingest load prod", ["file,prod"]),
        ("es-hybrid nonsense --x", []),
    ],
)
def test_bash_completes_commands_options_choices_and_files(line: str, completed: list[str]) -> None:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "es_hybrid"],
        env=os.environ | words | {"_ES_HYBRID_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str) -> None:
    done = CliRunner().invoke(
        main, prog_name="es-hybrid", env={"_ES_HYBRID_COMPLETE": f"{shell}_source"}
    )
    assert f"_ES_HYBRID_COMPLETE={shell}_complete" in done.stdout


def test_the_version_has_one_place() -> None:
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert run("--version").stdout == f"es-hybrid, version {project['version']}\n"
    cited = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    assert cited["version"] == project["version"]
    elsewhere = [
        path
        for top in ("es_hybrid", "ingest", "mappings")
        for path in (root / top).rglob("*.py")
        if "__version__" in path.read_text("utf-8")
    ]
    assert elsewhere == []
