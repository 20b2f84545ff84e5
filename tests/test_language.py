from __future__ import annotations

import json
import random
from collections import Counter
from importlib.resources import files

import pytest

from es_hybrid.language import LANGUAGES, detect, normalize_tag
from training.data import DATA


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


def test_the_choice_is_limited_to_the_languages_given() -> None:
    text = "Wasserkocher aus Edelstahl mit Temperaturanzeige"
    assert detect(text, {"en", "nl"}) == "nl"
    assert detect("Чайник электрический", {"en", "nl"}, confidence=0.9) == ""
    # The script tells that it is none of them.
    assert detect("Βραστήρας νερού", {"en", "nl"}) == ""


@pytest.mark.parametrize(
    "title",
    ["Red kettle", "Enamel Mug", "Enamel Mug. Camping mug", "Wool Rug. Handwoven", "Linen Shirt",
     "USB-C hub"],
)  # fmt: skip
def test_a_short_title_is_not_assigned_an_unlikely_language(title: str) -> None:
    assert detect(title) in LANGUAGES
    assert detect(title, confidence=0.22) in ("", "en")


def test_title_case_is_tried_in_lower_case() -> None:
    title = "HP Laser Printer Black And White"
    assert detect(title) == "de"
    assert detect(title, confidence=0.22) == "en"


def test_detection_on_the_sample_catalogue() -> None:
    """Title and description of every product, in five languages."""
    right: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for line in files("es_hybrid.data").joinpath("products.jsonl").read_bytes().splitlines():
        product = json.loads(line)
        rows[product["lang"]] += 1
        right[product["lang"]] += (
            detect(f"{product['title']}. {product['description']}") == (product["lang"])
        )
    assert set(rows) == {"zh", "en", "fr", "es", "de"}
    assert right.total() >= 0.98 * rows.total()


@pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there")
@pytest.mark.parametrize(
    ("catalogue", "langs", "right", "wrong"),
    [
        ("chorus-icecat", {"en"}, 0.78, 0.06),
        ("oracle-oe-multilingual", {"en"}, 0.95, 0.02),
        ("oracle-oe-multilingual", {"de"}, 0.79, 0.08),
        ("oracle-oe-multilingual", {"fr", "es", "ja", "zh-CN"}, 0.94, 0.03),
    ],
)
def test_shares_of_docs_sources(
    catalogue: str, langs: set[str], right: float, wrong: float
) -> None:
    """The table in docs/sources.md, on a sample."""
    lines = (DATA / catalogue / "products.jsonl").read_bytes().splitlines()
    products = [row for row in map(json.loads, lines) if row["lang"] in langs]
    sample = random.Random(5).sample(products, min(1000, len(products)))
    found = [
        (detect(f"{row['title']}. {row['description']}", confidence=0.22), row["lang"][:2])
        for row in sample
    ]
    assert sum(tag == lang for tag, lang in found) >= right * len(found)
    assert sum(tag not in ("", lang) for tag, lang in found) <= wrong * len(found)
