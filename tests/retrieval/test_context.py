"""What a search runs in."""

from __future__ import annotations

import pytest

from es_hybrid.retrieval.context import is_remote


@pytest.mark.parametrize(
    ("index", "remote"),
    [
        ("", False),
        ("products", False),
        ("products,prod*,-old", False),
        ("products::data", False),
        ("products::failures,other", False),
        ("<logs-{now/d{yyyy-MM-dd HH:mm|+01:00}}>", False),
        ("-<logs-{now/d{HH:mm}}>", False),
        ("far:products", True),
        ("*:products", True),
        ("products,far:products", True),
        ("products,-far:*", True),
        ("far:products::data", True),
        ("far:<logs-{now/d}>", True),
    ],
)
def test_another_cluster_shows_in_the_name(index: str, remote: bool) -> None:
    assert is_remote(index) is remote
