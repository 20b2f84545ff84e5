"""What each version of Elasticsearch lacks, how it refuses it, and what es-hybrid does instead.

docs/compatibility.md shows `markdown()`, and `cluster.py` refuses by it. The refusals are in the
words of real nodes of 8.17.0, 8.18.0, 8.19.0, 9.0.0, 9.1.0 and 9.2.0; those about licensed
retrievers, which such nodes lack, are in the form of those nodes' errors about other retrievers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.http import Request

Version = tuple[int, int]
Body = Mapping[str, Any]

VERSIONS: tuple[Version, ...] = (
    (8, 17), (8, 18), (8, 19), (9, 0), (9, 1), (9, 2), (9, 3), (9, 4), (9, 5),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Addition:
    """Something that some versions lack.

    Attributes:
        name: In markdown.
        since: The first version that has it.
        without: What es-hybrid does on a cluster that lacks it.
        refused: The error of such a cluster for a request; None: the request does not need it.
        also: Older versions that have it.
    """

    name: str
    since: Version
    without: str
    refused: Callable[[Request, Body], Body | None] = lambda request, body: None
    also: tuple[Version, ...] = ()

    def lacking(self) -> list[Version]:
        """The versions that lack it."""
        return [each for each in VERSIONS if each < self.since and each not in self.also]


def _versioned(request: Request, body: Body) -> Body | None:
    accept = request.header("accept") or ""
    if "compatible-with=9" not in accept:
        return None
    cause = f"Accept version must be either version 8 or 7, but found 9. Accept={accept}"
    reason = "Invalid media-type value on headers [Accept, Content-Type]"
    return _error("media_type_header_exception", reason, _cause("status_exception", cause))


def _retriever(kind: str) -> Callable[[Request, Body], Body | None]:
    def refused(request: Request, body: Body) -> Body | None:
        if all(each != kind for each, _ in _retrievers(body)):
            return None
        cause = _cause("named_object_not_found_exception", f"[1:9] unknown field [{kind}]")
        return _error("parsing_exception", f"unknown retriever [{kind}]", cause)

    return refused


def _weighted_rrf(request: Request, body: Body) -> Body | None:
    for kind, content in _retrievers(body):
        if kind == "rrf" and any("retriever" in child for child in content.get("retrievers", ())):
            cause = _cause("named_object_not_found_exception", "[1:40] unknown field [retriever]")
            reason = "[1:20] [rrf] failed to parse field [retrievers]"
            return _error("x_content_parse_exception", reason, cause)
    return None


def _field(kinds: tuple[str, ...], *names: str) -> Callable[[Request, Body], Body | None]:
    def refused(request: Request, body: Body) -> Body | None:
        for kind, content in _retrievers(body):
            for name in names:
                if kind in kinds and name in content:
                    reason = f"[1:30] [{kind}] unknown field [{name}]"
                    return _error("x_content_parse_exception", reason)
        return None

    return refused


def _knn_option(name: str) -> Callable[[Request, Body], Body | None]:
    def refused(request: Request, body: Body) -> Body | None:
        if not any(name in knn for knn in _values(body, "knn") if isinstance(knn, Mapping)):
            return None
        return _error("x_content_parse_exception", f"[1:391] [knn] unknown field [{name}]")

    return refused


def _index_type(type_: str) -> Callable[[Request, Body], Body | None]:
    def refused(request: Request, body: Body) -> Body | None:
        if all(options.get("type") != type_ for options in _values(body, "index_options")):
            return None
        reason = f"Unknown vector index options type [{type_}] for field [embedding]"
        kind = "mapper_parsing_exception"
        return _error(kind, f"Failed to parse mapping: {reason}", _cause(kind, reason))

    return refused


ADDITIONS = (
    Addition(
        name="`compatible-with=9`, which the Python client 9 asks for",
        since=(9, 0),
        without="asks for plain JSON, from every version",
        refused=_versioned,
    ),
    Addition(
        name="`rescorer` retriever",
        since=(8, 18),
        without="runs it itself",
        refused=_retriever("rescorer"),
    ),
    Addition(
        name="`linear` retriever",
        since=(8, 18),
        without="runs it itself",
        refused=_retriever("linear"),
    ),
    Addition(
        name="`pinned` retriever",
        since=(9, 1),
        without="runs it itself",
        refused=_retriever("pinned"),
    ),
    Addition(
        name="short form (`query`, `fields`) of `rrf` and `linear`",
        since=(9, 1),
        without="runs the retriever itself",
        refused=_field(("rrf", "linear"), "query", "fields", "normalizer"),
    ),
    Addition(
        name="weights in `rrf`",
        since=(9, 2),
        without="runs the retriever itself; weights of 1 are never sent",
        refused=_weighted_rrf,
    ),
    Addition(
        name="`chunk_rescorer`",
        since=(9, 2),
        without="runs the retriever itself if a reranker is configured",
        refused=_field(("text_similarity_reranker",), "chunk_rescorer"),
    ),
    Addition(
        name="`diversify` retriever",
        since=(9, 3),
        without="runs it itself",
        refused=_retriever("diversify"),
    ),
    Addition(
        name="`rescore_vector` of `knn`",
        since=(8, 18),
        without="passes it on as written; the cluster refuses it",
        refused=_knn_option("rescore_vector"),
    ),
    Addition(
        name="`visit_percentage` of `knn`",
        since=(9, 2),
        without="passes it on as written; the cluster refuses it",
        refused=_knn_option("visit_percentage"),
    ),
    Addition(
        name="vectors as base64",
        since=(9, 3),
        without="writes and reads numbers: four times the bytes",
    ),
    Addition(
        name="`index.vector_type = \"bbq_disk\"`",
        since=(9, 2),
        without="`index create` ends with the cluster's error; choose `bbq_hnsw`",
        refused=_index_type("bbq_disk"),
    ),
    Addition(
        name="`_source.exclude_vectors`",
        since=(9, 1),
        also=((8, 19),),
        without="never sends it: leaves vectors out, or asks for them, by name",
    ),
    Addition(
        name="`_source` without vectors by default",
        since=(9, 2),
        without="leaves vectors out by name, but not of a `_search` body of your own",
    ),
    Addition(
        name="`bbq_hnsw` as the default for 384 dims and more",
        since=(9, 1),
        without="always names the index type (`index.vector_type`)",
    ),
)  # fmt: skip


def markdown() -> str:
    """The table of docs/compatibility.md."""
    lines = ["| | since | on an older cluster, es-hybrid |", "| --- | --- | --- |"]
    for each in ADDITIONS:
        since = ", ".join(f"{major}.{minor}" for major, minor in (*each.also, each.since))
        lines.append(f"| {each.name} | {since} | {each.without} |")
    return "\n".join(lines)


def _retrievers(body: Body) -> Iterator[tuple[str, Body]]:
    """Kind and content of every retriever in a search body."""
    for name, value in body.items():
        if name == "retriever" and isinstance(value, Mapping):
            yield from value.items()
        if name == "retrievers":
            yield from (pair for child in value for pair in child.items() if pair[0] != "weight")
        for inside in value if isinstance(value, list) else [value]:
            if isinstance(inside, Mapping):
                yield from _retrievers(inside)


def _values(body: Any, name: str) -> Iterator[Any]:
    """What a body has under this name, at any depth."""
    if isinstance(body, Mapping):
        yield from (value for key, value in body.items() if key == name)
        for value in body.values():
            yield from _values(value, name)
    elif isinstance(body, list):
        for value in body:
            yield from _values(value, name)


def _cause(type_: str, reason: str) -> dict[str, Any]:
    return {"type": type_, "reason": reason}


def _error(type_: str, reason: str, cause: Body | None = None) -> dict[str, Any]:
    error = _cause(type_, reason)
    more = {"caused_by": cause} if cause else {}
    return {"error": {"root_cause": [error], **error, **more}, "status": 400}


def decoded(line: bytes) -> Body:
    """A JSON body; empty if there is none."""
    body = json.loads(line) if line.strip() else {}
    return body if isinstance(body, dict) else {}
