"""Addresses of Elasticsearch."""

from __future__ import annotations

import pytest

from es_hybrid.errors import InvalidRequest
from es_hybrid.serve.upstream.origin import Origin

BEHIND_A_PREFIX = Origin(host="x", port=1, prefix=b"/search")


@pytest.mark.parametrize(
    "path",
    [
        b"/../other", b"/a/../../other", b"/..", b"/a/..", b"/%2e%2e/other", b"/.%2E/other",
        b"/a/..%2fother", b"/..\\other", b"/..%5cother", b"/..;x=1/other", b"/%252e%252e/other",
        b"/..?q=1",
    ],
)  # fmt: skip
def test_no_path_leaves_the_prefix(path: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"must not contain `\.\.`"):
        BEHIND_A_PREFIX.target(path)
    assert Origin(host="x", port=1).target(path) == path


@pytest.mark.parametrize("path", [b"/", b"/a..b/_doc/..c", b"/a/...", b"/a?q=/../b"])
def test_other_paths_are_below_the_prefix(path: bytes) -> None:
    assert BEHIND_A_PREFIX.target(path) == b"/search" + path
