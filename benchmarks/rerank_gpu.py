"""The exported Qwen3 graph on a GPU in FP16, against transformers and vLLM on the same weights.

    make gpu                                         # installs, then runs this
    python -m benchmarks.rerank_gpu                  # the shape of 0.6B, random weights
    python -m benchmarks.rerank_gpu --vllm PATH      # a vLLM in an environment of its own

First the parity of small graphs with the original on the device, in FP32 and FP16. Then, for one
query and 1 to 512 documents of 100 tokens: milliseconds per call, pairs per second, GPU memory, and
the useful arithmetic as a share of the GPU's speed, which is measured with a product of large
matrices (`benchmarks.roofline`). Every call has another query, so nothing is cached. Takes under
eight minutes on one H200, by design: each size of each method gets a few seconds, the page of 50
products a hundred calls.

vLLM runs as a server and is asked over HTTP, with the prompt in the texts, since it adds none. Its
memory is the share that it reserves. Without a vLLM, this comparison is skipped.

Needs the extras `gpu` and `export`, and torch with CUDA. A smoke run also works on the CPU.
"""

from __future__ import annotations

import gc
import importlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import Options, parse_arguments
from benchmarks.made_models import CONTROL, SHAPES, documents, make_checkpoint
from benchmarks.roofline import arithmetic_per_token, product_speed
from benchmarks.vllm_server import find_vllm, vllm_server
from es_hybrid.reranking.export import Dtype
from es_hybrid.reranking.export.checkpoint import Checkpoint
from es_hybrid.reranking.export.qwen3 import export_qwen3
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.reranking.prompt import PromptEncoder
from es_hybrid.reranking.reference import TransformersReference
from es_hybrid.reranking.verify import TOLERANCES, verify
from es_hybrid.settings.instructions import DEFAULT_INSTRUCTION

Scores = NDArray[np.float32]
Method = Callable[[str, Sequence[str]], Scores]
Device = Literal["cpu", "cuda"]

# One page of products, whose p99 counts; the aim in pairs per second on one H200.
PAGE = 50
AIM = 1700
SIZES = (1, 2, 4, 8, 16, 32, PAGE, 64, 128, 256, 512)
# Calls before the clock counts, and at least with it.
WARM_UP, LEAST = 3, 5


class Measured(NamedTuple):
    """The calls of one method with documents of one size."""

    seconds: Sequence[float]
    scores: Scores


def main() -> None:
    """Check the parity, build the model, time one method after the other."""
    options = parse_arguments(
        __doc__,
        choices={"shape": SHAPES},
        shape=("0.6b", "tiny"),
        calls=(100, 2),
        seconds=(4.0, 0.0),
        vllm=("", ""),
    )
    torch: Any = importlib.import_module("torch")
    device: Device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not options.smoke:
        sys.exit("torch finds no CUDA GPU")
    sizes = SIZES[:2] if options.smoke else SIZES
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        equal = check_parity(folder / "parity", "tiny" if options.smoke else "small", device)
        make_checkpoint(folder / "checkpoint", SHAPES[options.shape])
        weights = Checkpoint(folder / "checkpoint")
        export_qwen3(weights, folder / "fp16", source="random", dtype="fp16")
        encoder = PromptEncoder(folder / "fp16" / "tokenizer.json")
        side = 256 if options.smoke else 8192
        speed = product_speed(torch, device, torch.float16, side)
        print(f"{device}: {speed / 1e12:,.3g} TFLOP/s in a product of FP16 matrices")
        per_token = arithmetic_per_token(weights, SHAPES[options.shape]) / speed
        bench = Bench(encoder, per_token, sizes, device, options)
        rival = bench.measure(
            "transformers", transformers_method(folder / "checkpoint", encoder, device)
        )
        ours = bench.measure("es-hybrid", exported_method(folder / "fp16", device))
        equal &= bench.compare(ours, "transformers", rival) <= TOLERANCES["fp16"]
        if vllm := find_vllm(options.vllm):
            served = bench.measure("vllm", vllm_server(vllm, folder / "checkpoint"))
            bench.compare(ours, "vllm", served)
        else:
            print("vllm: not installed, skipped; --vllm names its command", flush=True)
        best = max(size / np.median(one.seconds) for size, one in ours.items())
        options.print_ratio(f"rerank_gpu_best_pairs_per_second_vs_{AIM}", float(best) / AIM)
    if not equal:
        sys.exit("the scores differ from those of transformers")


def check_parity(folder: Path, shape: str, device: Device) -> bool:
    """Whether graphs of a small model score as transformers does, in FP32 and FP16."""
    make_checkpoint(folder / "checkpoint", SHAPES[shape])
    passed = True
    dtypes: tuple[Dtype, ...] = ("fp32", "fp16")
    for dtype in dtypes:
        manifest = export_qwen3(
            Checkpoint(folder / "checkpoint"), folder / dtype, source="random", dtype=dtype
        )
        reference = TransformersReference(folder / "checkpoint", manifest)
        parity = verify(folder / dtype, reference, provider=device)
        passed &= parity.passed and parity.provider == device
        print(
            f"parity, {shape}, {dtype} on {parity.provider}: {parity.pairs} pairs, max |Δ| "
            f"{parity.max_delta:.1e}, {'passed' if parity.passed else 'FAILED'}",
            flush=True,
        )
    return passed


class Bench:
    """Times methods one after the other and prints a row for each size.

    Args:
        seconds_per_token: That the useful arithmetic of a token takes at the GPU's speed.
        sizes: Documents per call.
    """

    def __init__(
        self,
        encoder: PromptEncoder,
        seconds_per_token: float,
        sizes: Sequence[int],
        device: Device,
        options: Options,
    ) -> None:
        self._encoder = encoder
        self._seconds_per_token = seconds_per_token
        self._documents = documents(encoder, max(sizes), 100, 100)
        self._sizes = sizes
        self._device = device
        self._options = options

    def measure(self, name: str, opened: AbstractContextManager[Method]) -> dict[int, Measured]:
        """Size -> the calls of a method."""
        release_memory(self._device)
        before, found = free_memory(self._device), {}
        with opened as method:
            for size in self._sizes:
                found[size] = self._timed(method, self._documents[:size])
                taken = before - free_memory(self._device)
                self._print(name, size, found[size].seconds, taken)
        return found

    def compare(self, ours: dict[int, Measured], name: str, rival: dict[int, Measured]) -> float:
        """Print how many times faster ours is; returns the largest difference of a score."""
        delta = 0.0
        for size, one in ours.items():
            ratio = np.median(rival[size].seconds) / np.median(one.seconds)
            self._options.print_ratio(f"rerank_gpu_{size}_documents_vs_{name}", float(ratio))
            delta = max(delta, float(np.abs(one.scores - rival[size].scores).max()))
        print(f"max |Δ| to {name}: {delta:.1e}", flush=True)
        return delta

    def _timed(self, method: Method, given: Sequence[str]) -> Measured:
        """At least five calls; further ones until the time or the number of calls is reached.

        A page gets all its calls, since its p99 counts. The scores are those of the first query,
        which is the same for every method.
        """
        scores = method(_query(0), given)
        for number in range(1, WARM_UP):
            method(_query(number), given)
        spent: list[float] = []
        end = time.perf_counter() + self._options.seconds
        while len(spent) < self._options.calls:
            if len(given) != PAGE and len(spent) >= LEAST and time.perf_counter() > end:
                break
            started = time.perf_counter()
            method(_query(WARM_UP + len(spent)), given)
            spent.append(time.perf_counter() - started)
        return Measured(spent, scores)

    def _print(self, name: str, size: int, seconds: Sequence[float], taken: int) -> None:
        head = len(self._encoder.head(_query(0), DEFAULT_INSTRUCTION))
        rows = sum(map(len, self._encoder.documents(self._documents[:size], head)))
        p50, p90, p99 = np.percentile(np.array(seconds) * 1000, [50, 90, 99])
        share = (head + rows) * self._seconds_per_token / np.median(seconds)
        print(
            f"{size:>3} documents  {name:<13} p50 {p50:8.1f}  p90 {p90:8.1f}  p99 {p99:8.1f} ms   "
            f"{size / np.median(seconds):8.1f} pairs/s   {share:5.1%} of the GPU   "
            f"{taken / 1e9:6.2f} GB",
            flush=True,
        )


def _query(number: int) -> str:
    return f"waterproof action camera {number}"


def free_memory(device: Device) -> int:
    """Free bytes of GPU memory; 0 on the CPU. What a method has kept for reuse is not free."""
    if device == "cpu":
        return 0
    torch: Any = importlib.import_module("torch")
    free: int = torch.cuda.mem_get_info()[0]
    return free


def release_memory(device: Device) -> None:
    """Give back what torch keeps of the last method."""
    gc.collect()
    if device == "cuda":
        importlib.import_module("torch").cuda.empty_cache()


@contextmanager
def exported_method(folder: Path, device: Device) -> Iterator[Method]:
    """The exported graph."""
    reranker = OnnxReranker(folder, provider=device)
    if reranker.provider != device:
        sys.exit("ONNX Runtime fell back to the CPU; run `make gpu`")
    yield reranker.score


@contextmanager
def transformers_method(
    checkpoint: Path, encoder: PromptEncoder, device: Device
) -> Iterator[Method]:
    """The model card's method in FP16: all documents in one batch, logits of one position."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    model = transformers.Qwen3ForCausalLM.from_pretrained(checkpoint, dtype=torch.float16)
    model = model.to(device).eval()
    yes, no, pad = encoder.token_id("yes"), encoder.token_id("no"), encoder.control[CONTROL[0]]

    def score(query: str, given: Sequence[str]) -> Scores:
        head = encoder.head(query, DEFAULT_INSTRUCTION)
        rows = [head + row for row in encoder.documents(given, len(head))]
        width = max(map(len, rows))
        ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows], device=device)
        mask = torch.tensor(
            [[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device
        )
        with torch.inference_mode():
            answer = model(input_ids=ids, attention_mask=mask, logits_to_keep=1)
            logits = answer.logits[:, -1, :].float()
            scores: Scores = torch.softmax(logits[:, [no, yes]], dim=1)[:, 1].cpu().numpy()
        return scores

    yield score


if __name__ == "__main__":
    main()
