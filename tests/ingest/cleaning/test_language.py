from __future__ import annotations

import pytest

from ingest.cleaning.language import normalize_tag


@pytest.mark.parametrize(
    ("given_tag", "tag"),
    [
        ("en", "en"), ("EN", "en"), ("zh_CN", "zh-CN"), ("zh-hans-cn", "zh-Hans-CN"),
        ("pt-br", "pt-BR"), ("es-419", "es-419"), (" fr ", "fr"), ("yue", "yue"),
        ("sl-rozaj-1994", "sl-rozaj-1994"),
    ],
)  # fmt: skip
def test_tags_in_their_usual_case(given_tag: str, tag: str) -> None:
    assert normalize_tag(given_tag) == tag


@pytest.mark.parametrize("tag", ["english", "e", "en US", "en--us", "中文", "", "en-USA1"])
def test_what_is_no_tag(tag: str) -> None:
    with pytest.raises(ValueError, match="^" + tag):
        normalize_tag(tag)
