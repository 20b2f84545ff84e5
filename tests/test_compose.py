"""The compose files, the Dockerfile and what they run, as far as no engine is needed."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from es_hybrid.node.artifacts import VERSION
from es_hybrid.privileges import groups, role_of
from es_hybrid.settings import Settings, load_settings
from tests.fakes.elasticsearch import FaultyProxy
from tests.fakes.http import Answer, json_answer
from tests.pauses import PATIENCE

ROOT = Path(__file__).parents[1]
FILES = ("docker-compose.yml", "docker-compose.secure.yml")


def read(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text("utf-8"))
    return found


SERVICES, SECURE = (read(file)["services"] for file in FILES)


def example() -> dict[str, str]:
    """Every variable of .env.example, those that are commented out as well."""
    text = (ROOT / ".env.example").read_text("utf-8")
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("file", FILES)
def test_the_files_conform_to_the_compose_specification(file: str) -> None:
    schema = json.loads((ROOT / "tests/schemas/compose-spec.json").read_text("utf-8"))
    errors = list(jsonschema.Draft7Validator(schema).iter_errors(read(file)))
    assert not errors


def test_the_example_names_every_variable_and_no_other() -> None:
    text = "".join((ROOT / file).read_text("utf-8") for file in FILES)
    used = set(re.findall(r"\$\{([A-Z_]+)", text))
    used |= set(re.findall(r"^\s+(ES_HYBRID_\w+):$", text, re.MULTILINE))
    assert set(example()) == used


def test_the_example_shows_the_defaults() -> None:
    text = "".join((ROOT / file).read_text("utf-8") for file in FILES)
    shown = example()
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]+)\}", text):
        if default != "[]":
            assert shown[name] == default


def test_es_hybrid_accepts_the_example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in example().items():
        if name.startswith("ES_HYBRID_") and name != "ES_HYBRID_TARGET":
            monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.embedding.base_url == "http://sglang:30000/v1"
    assert settings.rerank.url == "http://reranker:30000/v1/rerank"


def test_the_version_is_that_of_the_embedded_node() -> None:
    for name in ("elasticsearch", "kibana"):
        assert SERVICES[name]["image"].endswith(f":${{ELASTIC_VERSION:-{VERSION}}}")


def test_no_image_is_pinned_to_latest() -> None:
    images = [each["image"] for each in [*SERVICES.values(), *SECURE.values()] if "image" in each]
    images += re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) > 6
    assert not [image for image in images if ":" not in image or "latest" in image]


def test_sglang_serves_the_model_that_the_settings_ask_for() -> None:
    model = Settings().embedding.model
    command = SERVICES["sglang"]["command"]
    assert f"--model-path=${{ES_HYBRID_EMBEDDING__MODEL:-{model}}}" in command
    assert "--is-embedding" in command
    assert SERVICES["sglang"]["profiles"] == ["gpu"]


def test_the_reranker_is_no_embedding_server_and_has_its_template() -> None:
    command = SERVICES["reranker"]["command"]
    assert "--is-embedding" not in command
    assert any(part.endswith("/qwen3_reranker.jinja") for part in command)


def test_every_port_is_bound_to_loopback() -> None:
    ports = [port for each in SERVICES.values() for port in each.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not [each for each in SECURE.values() if "ports" in each]


@pytest.mark.parametrize("name", ["elasticsearch", "kibana", "sglang", "reranker", "serve"])
def test_every_server_has_limits_and_restarts(name: str) -> None:
    assert SERVICES[name]["deploy"]["resources"]["limits"]["memory"]
    assert SERVICES[name]["restart"] == "unless-stopped"
    if name != "serve":  # the image has its health check
        assert SERVICES[name]["healthcheck"]["test"]


def health_check(port: int) -> list[str]:
    """The command of the image, for another port and this machine's Python."""
    (found,) = re.findall(r"HEALTHCHECK .*\\\n\s+CMD (\[.*\])", (ROOT / "Dockerfile").read_text())
    python, *rest = json.loads(found.replace("9201", str(port)))
    assert python == "python"
    return [sys.executable, *rest]


def test_serve_starts_with_the_settings_of_its_service_and_passes_its_health_check(
    node: EmbeddedNode, tmp_path: Path
) -> None:
    settings = {name: value for name, value in SERVICES["serve"]["environment"].items() if value}
    settings |= {"ES_HYBRID_ELASTICSEARCH__URL": node.url, "ES_HYBRID_SERVE__PORT": "0"}
    settings["ES_HYBRID_SERVE__API_KEYS"] = example()["ES_HYBRID_SERVE__API_KEYS"]
    serve = subprocess.Popen(
        [sys.executable, "-m", "es_hybrid", *SERVICES["serve"]["command"]],
        cwd=tmp_path, env={**os.environ, **settings}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert serve.stderr is not None
    try:
        said = serve.stderr.readline()
        found = re.search(r"0\.0\.0\.0:(\d+)", said)
        assert found, said + serve.stderr.read()
        deadline = time.monotonic() + PATIENCE
        while subprocess.run(health_check(int(found[1])), capture_output=True).returncode:
            assert time.monotonic() < deadline
    finally:
        serve.terminate()
        assert serve.wait(PATIENCE) == 0
    assert subprocess.run(health_check(int(found[1])), capture_output=True).returncode


def test_a_service_reads_its_key_from_the_file_that_is_mounted(tmp_path: Path) -> None:
    """The entry point, with a program in place of `es-hybrid` that shows what it gets."""
    (tmp_path / "api_key").write_text("c2VjcmV0")
    shown = tmp_path / "es-hybrid"
    shown.write_text('#!/bin/sh\necho "$ES_HYBRID_ELASTICSEARCH__API_KEY" "$@"\n')
    shown.chmod(0o755)
    said = {}
    for name in ("serve", "ingest"):
        line = SECURE[name]["entrypoint"]
        line[2] = line[2].replace("$$", "$").replace("/key/", f"{tmp_path}/")
        typed = [*line, *SERVICES[name]["command"]]
        path = f"{tmp_path}:{os.environ['PATH']}"
        said[name] = subprocess.check_output(typed, env={"PATH": path}, text=True)
    assert said == {"serve": "c2VjcmV0 serve\n", "ingest": "c2VjcmV0 ingest status\n"}


class Security:
    """The `_security` endpoints that docker/keys.py calls; the embedded node has none."""

    def __init__(self) -> None:
        self.passwords: list[tuple[str, dict[str, Any]]] = []
        self.keys: dict[str, dict[str, Any]] = {}

    def __call__(self, path: str, body: bytes, forward: object) -> Answer | None:
        if path.endswith("/_password"):
            self.passwords.append((path, json.loads(body)))
            return json_answer(200, {})
        if path == "/_security/api_key":
            encoded = base64.b64encode(f"key {len(self.keys)}".encode()).decode()
            self.keys[encoded] = json.loads(body)
            return json_answer(200, {"id": str(len(self.keys)), "encoded": encoded})
        return None

    def authenticate(self, header: str | None) -> Answer:
        known = header in {f"ApiKey {key}" for key in self.keys}
        return json_answer(200 if known else 401, {"error": {"type": "security_exception"}})


@pytest.fixture
def security(node: EmbeddedNode) -> Iterator[tuple[FaultyProxy, Security]]:
    fake = Security()
    with FaultyProxy(node.url, fake) as proxy:
        answer = proxy.script
        proxy.script = lambda request: (
            fake.authenticate(request.header("Authorization"))
            if request.path == "/_security/_authenticate"
            else answer(request)
        )
        yield proxy, fake


def run_keys(url: str, folder: Path) -> list[str]:
    """What docker/keys.py prints."""
    program = [sys.executable, str(ROOT / "docker/keys.py"), str(folder)]
    environment = {
        **os.environ,
        "ES_HYBRID_ELASTICSEARCH__URL": url,
        "ES_HYBRID_ELASTICSEARCH__USERNAME": "elastic",
        "ES_HYBRID_ELASTICSEARCH__PASSWORD": "secret",
        "ES_HYBRID_INDEX__NAME": "articles",
        "KIBANA_PASSWORD": "also secret",
    }
    return subprocess.check_output(program, env=environment, cwd=folder, text=True).splitlines()


def test_the_keys_have_the_privileges_of_their_groups_and_are_kept(
    security: tuple[FaultyProxy, Security], tmp_path: Path, es: Elasticsearch
) -> None:
    proxy, fake = security
    assert [line.split()[:2] for line in run_keys(proxy.url, tmp_path)] == [
        [f"{group}:", "created"] for group in groups()
    ]
    assert fake.passwords == [
        ("/_security/user/kibana_system/_password", {"password": "also secret"})
    ]
    for group in groups():
        file = tmp_path / group / "api_key"
        made = fake.keys[file.read_text()]
        assert made["name"] == f"es-hybrid-{group}"
        assert made["role_descriptors"] == {group: role_of(group, "articles")}
        assert file.stat().st_mode & 0o077 == 0

    del fake.keys[(tmp_path / "load" / "api_key").read_text()]
    assert [line.split()[:2] for line in run_keys(proxy.url, tmp_path)] == [
        [f"{group}:", "created" if group == "load" else "kept"] for group in groups()
    ]
