from __future__ import annotations

from collections import Counter
from importlib.resources import files

import orjson
import pytest

from es_hybrid.language import detect
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


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Sony WH-1000XM5 ノイズキャンセリング ヘッドホン", "ja"),
        ("冰丝男士短袖T恤 透气速干运动装", "zh"),
        ("삼성 갤럭시 버즈 프로", "ko"),
        ("กาต้มน้ำไฟฟ้า", "th"),
        ("קומקום חשמלי", "he"),
        ("Βραστήρας νερού", "el"),
        ("Wasserkocher aus Edelstahl mit Temperaturanzeige", "de"),
        ("Чайник электрический из нержавеющей стали", "ru"),
        ("12345 / 1.7", ""),
        ("", ""),
    ],
)
def test_detection(text: str, language: str) -> None:
    assert detect(text) == language


def test_detection_on_the_sample_catalogue() -> None:
    """Title and description of every product, in five languages."""
    right: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for line in files("es_hybrid.data").joinpath("products.jsonl").read_bytes().splitlines():
        product = orjson.loads(line)
        rows[product["lang"]] += 1
        right[product["lang"]] += (
            detect(f"{product['title']}. {product['description']}") == (product["lang"])
        )
    assert set(rows) == {"zh", "en", "fr", "es", "de"}
    assert right.total() >= 0.98 * rows.total()
