"""The `chunk_rescorer` of `text_similarity_reranker`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from es_hybrid.retrieval.nodes import Chunks
from es_hybrid.retrieval.retriever_dsl.objects import Fields
from es_hybrid.retrieval.retriever_dsl.refusals import inside, refused

_MAX_WORDS = 300
_LEAST_WORDS = {"sentence": 20, "word": 10}
_OVERLAPS = {"sentence": "sentence_overlap", "word": "overlap"}
# More words than any text has.
_UNCUT = 1 << 31


def chunk_rescorer(value: Mapping[str, Any]) -> Chunks | None:
    """How documents are cut; None: in a way that only the cluster knows.

    Raises:
        RequestRefused: as Elasticsearch refuses it.
    """
    fields = Fields("chunk_rescorer", value, ("size", "chunking_settings"))
    size = fields.integer("size")
    if size is not None and size < 1:
        raise refused(f"size must be greater than 0, was: {size}")
    given = fields.mapping("chunking_settings") or {}
    with inside("chunk_rescorer", "chunking_settings"):
        return _settings(given, size or 1)


def _settings(given: Mapping[str, Any], size: int) -> Chunks | None:
    strategy = Fields("chunking_settings", given, tuple(given)).string("strategy") or "sentence"
    if strategy == "none":
        return Chunks(size=size, max_words=_UNCUT)
    if strategy not in _OVERLAPS:
        return None
    overlap = _OVERLAPS[strategy]
    fields = Fields("chunking_settings", given, ("strategy", "max_chunk_size", overlap))
    if "strategy" in given:
        fields.required("max_chunk_size")
    max_words = fields.integer("max_chunk_size")
    words = _MAX_WORDS if max_words is None else max_words
    repeated = fields.integer(overlap)
    if repeated is None:
        repeated = 1 if "strategy" in given and strategy == "sentence" else 0
    if words < _LEAST_WORDS[strategy]:
        raise refused(
            f"Invalid value [{words}]. [max_chunk_size] must be a greater than or equal to "
            f"[{_LEAST_WORDS[strategy]}]"
        )
    most = 1 if strategy == "sentence" else words // 2
    if not 0 <= repeated <= most:
        raise refused(f"[{overlap}] must be between [0] and [{most}], was [{repeated}]")
    return Chunks(size=size, strategy=cast(Any, strategy), max_words=words, overlap=repeated)
