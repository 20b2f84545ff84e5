"""The vLLM of the benchmark on a GPU, with a stand-in for its command."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.vllm_server import vllm_server

# Answers as vLLM does, after a request for its health; it refuses texts without the prompt.
VLLM = f"""#!{sys.executable}
import http.server, json, sys

command, checkpoint, *options = sys.argv[1:]
assert command == "serve", command
options = dict(zip(options[::2], options[1::2]))
assert json.loads(options["--hf-overrides"])["classifier_from_token"] == ["no", "yes"]
assert json.load(open(checkpoint + "/config.json"))["architectures"] == ["Qwen3ForCausalLM"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer({{}})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert body["query"].startswith("<|im_start|>system"), body["query"]
        assert all(each.endswith("</think>\\n\\n") for each in body["documents"])
        scores = [{{"index": at, "relevance_score": 0.5}} for at in range(len(body["documents"]))]
        self.answer({{"results": scores}})

    def answer(self, body):
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


http.server.ThreadingHTTPServer(("127.0.0.1", int(options["--port"])), Handler).serve_forever()
"""


@pytest.fixture
def vllm(tmp_path: Path) -> Path:
    command = tmp_path / "vllm"
    command.write_text(VLLM)
    command.chmod(0o755)
    return command


def test_it_is_asked_with_the_prompt_in_the_texts(vllm: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["Qwen3ForCausalLM"]}')
    with vllm_server(str(vllm), tmp_path) as score:
        assert score("kettle", ["a kettle", "a scale"]).tolist() == [0.5, 0.5]


def test_one_that_does_not_start_is_an_error(vllm: Path, tmp_path: Path) -> None:
    vllm.write_text(f"#!{sys.executable}\nraise SystemExit('no GPU')\n")
    with (
        pytest.raises(SystemExit, match=r"vLLM does not start:\s+no GPU"),
        vllm_server(str(vllm), tmp_path),
    ):
        pass
