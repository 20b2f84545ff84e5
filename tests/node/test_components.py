"""The filters and tokenizers of the plugin, compared with Elasticsearch's documentation."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from tests.node.test_languages import analyze

# Examples of Elasticsearch's reference of the token filters.
FILTERS: list[tuple[str | dict[str, object], str, str]] = [
    ("apostrophe", "Istanbul'a veya Istanbul'dan", "Istanbul veya Istanbul"),
    ("asciifolding", "açaí à la carte", "acai a la carte"),
    ("cjk_bigram", "東京都は", "東京 京都 都は"),
    ("decimal_digit", "१-one two-२ ३", "1 one two 2 3"),
    ("edge_ngram", "the quick", "t th q qu"),
    ({"type": "edge_ngram", "min_gram": 3, "max_gram": 5}, "jumped", "jum jump jumpe"),
    ("elision", "j’examine l’eau", "examine eau"),
    ("kstem", "the foxes jumping quickly", "the fox jump quick"),
    ({"type": "keep", "keep_words": ["fox", "dog"]}, "the quick fox jumps the dog", "fox dog"),
    ({"type": "keep_types", "types": ["<NUM>"]}, "1 quick fox 2", "1 2"),
    ({"type": "keep_types", "types": ["<NUM>"], "mode": "exclude"}, "1 fox 2", "fox"),
    ({"type": "keyword_marker", "keywords": ["jumping"]}, "fox running jumping", "fox run jumping"),
    ({"type": "length", "max": 4}, "the quick brown fox jumps", "the fox"),
    ({"type": "limit", "max_token_count": 2}, "quick fox jumps", "quick fox"),
    ("ngram", "fox", "f fo o ox x"),
    ({"type": "pattern_replace", "pattern": "(dog)", "replacement": "watch$1"}, "dog", "watchdog"),
    ("porter_stem", "the foxes jumping quickly", "the fox jump quickli"),
    ("reverse", "quick fox", "kciuq xof"),
    ({"type": "snowball", "language": "english"}, "quickly", "quick"),
    ("stemmer", "the foxes jumping quickly", "the fox jump quickli"),
    ({"type": "stemmer", "language": "lightGerman"}, "tische", "tisch"),
    ({"type": "truncate", "length": 3}, "the quinquennial", "the qui"),
    ("unique", "the quick fox the lazy fox", "the quick fox lazy"),
    ("uppercase", "the Quick", "THE QUICK"),
    (
        {
            "type": "dictionary_decompounder",
            "word_list": ["Donau", "dampf", "meer", "schiff"],
        },
        "Donaudampfschiff",
        "Donaudampfschiff Donau dampf schiff",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("token_filter", "text", "words"), FILTERS)
def test_a_token_filter_gives_the_documented_words(
    es: Elasticsearch, token_filter: Any, text: str, words: str
) -> None:
    chain = [token_filter]
    if isinstance(token_filter, dict) and token_filter["type"] == "keyword_marker":
        chain.append("stemmer")
    assert analyze(es, text, tokenizer="standard", filter=chain) == words.split()


def test_overridden_stems_are_kept(es: Elasticsearch) -> None:
    rules = {"type": "stemmer_override", "rules": ["running, runs => run", "stemmer => stemmer"]}
    words = analyze(es, "running stemmer", tokenizer="standard", filter=[rules, "stemmer"])
    assert words == ["run", "stemmer"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "Neil Super Duper XL 500 42 Auto Coder"),
        ({"catenate_all": True},
         "NeilSuperDuperXL50042AutoCoder Neil Super Duper XL 500 42 Auto Coder"),
        ({"split_on_case_change": False}, "Neil Super Duper XL 500 42 AutoCoder"),
        ({"protected_words": ["Neil's-Super-Duper-XL500-42-AutoCoder"]},
         "Neil's-Super-Duper-XL500-42-AutoCoder"),
        ({"type_table": ["- => ALPHA"], "split_on_case_change": False, "split_on_numerics": False},
         "Neil s-Super-Duper-XL500-42-AutoCoder"),
    ],
)  # fmt: skip
def test_words_are_split_at_delimiters(
    es: Elasticsearch, parameters: dict[str, object], words: str
) -> None:
    text = "Neil's-Super-Duper-XL500-42-AutoCoder"
    graph = {"type": "word_delimiter_graph", **parameters}
    assert analyze(es, text, tokenizer="keyword", filter=[graph]) == words.split()


@pytest.mark.parametrize(
    ("tokenizer", "text", "words"),
    [
        ({"type": "char_group", "tokenize_on_chars": ["whitespace", "-", "\\n"]},
         "The QUICK brown-fox", "The QUICK brown fox"),
        ("classic", "The 2 Brown-Foxes lazy dog's XL-500", "The 2 Brown Foxes lazy dog's XL-500"),
        ({"type": "edge_ngram", "min_gram": 2, "max_gram": 4, "token_chars": ["letter", "digit"]},
         "2 Quick Foxes.", "Qu Qui Quic Fo Fox Foxe"),
        ("keyword", "XL-500", "XL-500"),
        ("letter", "You're the 1st", "You re the st"),
        ({"type": "ngram", "min_gram": 3, "max_gram": 3, "token_chars": ["letter", "custom"],
          "custom_token_chars": "+"}, "C++ 2 Fox.", "C++ Fox"),
        ("path_hierarchy", "/one/two", "/one /one/two"),
        ({"type": "path_hierarchy", "delimiter": "-", "replacement": "/", "skip": 1},
         "one-two-three", "/two /two/three"),
        ("pattern", "The foo_bar_size's default is 5.", "The foo_bar_size s default is 5"),
        ({"type": "pattern", "pattern": ","}, "a b,c", "a b|c"),
        ("uax_url_email", "Email john.smith@example.com", "Email john.smith@example.com"),
        ("whitespace", "Brown-Foxes jumped.", "Brown-Foxes jumped."),
    ],
)  # fmt: skip
def test_a_tokenizer_gives_the_documented_words(
    es: Elasticsearch, tokenizer: Any, text: str, words: str
) -> None:
    expected = words.split("|" if "|" in words else None)
    assert analyze(es, text, tokenizer=tokenizer) == expected


@pytest.mark.parametrize(
    ("char_filter", "text", "kept"),
    [
        ("html_strip", "<p>I&apos;m so <b>happy</b>!</p>", "\nI'm so happy!\n"),
        ({"type": "html_strip", "escaped_tags": ["b"]}, "<b>happy</b><i>!</i>", "<b>happy</b>!"),
        ({"type": "mapping", "mappings": [":) => _happy_", '" => in']}, '15" :)', "15in _happy_"),
        ({"type": "pattern_replace", "pattern": "(\\d+)-(?=\\d)", "replacement": "$1_"},
         "123-456-789", "123_456_789"),
    ],
)  # fmt: skip
def test_a_character_filter_gives_the_documented_text(
    es: Elasticsearch, char_filter: Any, text: str, kept: str
) -> None:
    assert analyze(es, text, tokenizer="keyword", char_filter=[char_filter]) == [kept]


def with_analyzer(
    es: Elasticsearch, index: str, chain: list[str], filters: dict[str, Any], text: str
) -> list[str]:
    analyzer = {"tokenizer": "standard", "filter": chain}
    es.indices.create(
        index=index, settings={"analysis": {"filter": filters, "analyzer": {"a": analyzer}}}
    )
    return analyze(es, text, index=index, analyzer="a")


@pytest.mark.parametrize(
    ("parameters", "text", "words"),
    [
        ({"synonyms": ["tv, television set"]}, "TV stand", "television tv set stand"),
        ({"synonyms": ["telly => tv"]}, "Telly", "tv"),
        ({"synonyms": ["tv, telly"], "expand": False}, "telly", "tv"),
        ({"synonyms": ["the, tv => telly"], "lenient": True}, "tv", "telli"),
        ({"synonyms": ["s(100000001,1,'abstain',v,1,0).", "s(100000001,2,'refrain',v,1,0)."],
          "format": "wordnet"}, "refrain", "refrain abstain"),
    ],
)  # fmt: skip
def test_rules_of_synonyms_pass_through_the_preceding_filters(
    es: Elasticsearch, index_name: str, parameters: dict[str, object], text: str, words: str
) -> None:
    filters = {"rules": {"type": "synonym_graph", **parameters}}
    chain = ["lowercase", "stop", "stemmer", "rules"]
    found = with_analyzer(es, index_name, chain, filters, text)
    assert sorted(found) == sorted(analyze(es, words, tokenizer="standard", filter=["stemmer"]))


def test_accents_are_folded_in_rules_of_synonyms(es: Elasticsearch, index_name: str) -> None:
    filters = {
        "both": {"type": "asciifolding", "preserve_original": True},
        "rules": {"type": "synonym", "synonyms": ["cafetière, coffee maker"]},
    }
    words = with_analyzer(es, index_name, ["both", "rules"], filters, "cafetiere")
    assert words == ["cafetiere", "coffee", "maker"]


def test_a_normalizer_lowercases_and_folds(es: Elasticsearch, index_name: str) -> None:
    normalizer = {"type": "custom", "filter": ["lowercase", "asciifolding"]}
    es.indices.create(
        index=index_name, settings={"analysis": {"normalizer": {"folded": normalizer}}}
    )
    found = es.indices.analyze(index=index_name, normalizer="folded", text="Äpfel ÉTÉ")
    assert [token["token"] for token in found["tokens"]] == ["apfel ete"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"filter": {"type": "edge_ngram", "side": "back"}}, r"does not support: \[side\]"),
    ({"filter": {"type": "length", "max_path": "a"}}, r"does not support: \[max_path\]"),
    ({"filter": {"type": "stemmer", "language": "klingon"}}, r"supports only \[arabic, armenian"),
    ({"filter": {"type": "word_delimiter_graph", "catenate_all": "yes"}}, r"only \[false, true\]"),
    ({"filter": {"type": "keyword_marker"}}, r"requires one of \[ignore_case, keywords, "),
    ({"filter": {"type": "ngram", "min_gram": 1, "max_gram": 9}}, "max_ngram_diff"),
    ({"filter": {"type": "synonym", "synonyms_set": "shop"}}, r"support: \[synonyms_set\]"),
    ({"filter": {"type": "synonym"}}, "requires"),
    ({"filter": {"type": "synonym", "synonyms": ["a => b => c"]}}, "failed to build synonyms"),
    ({"tokenizer": {"type": "ngram", "token_chars": ["vowel"]}}, "neither a character nor one of"),
    ({"tokenizer": {"type": "pattern", "pattern": ",", "flags": "COMMENTS"}}, r"\[flags\]"),
    ({"char_filter": {"type": "mapping", "mappings": ["a"]}}, "not of the form"),
    ({"analyzer": {"type": "cjk", "stem_exclusion": ["a"]}}, r"\[stem_exclusion\]"),
]


@pytest.mark.parametrize(("part", "why"), REFUSED)
def test_what_the_plugin_cannot_do_is_refused(
    es: Elasticsearch, index_name: str, part: dict[str, Any], why: str
) -> None:
    ((kind, body),) = part.items()
    used = {"tokenizer": "standard", kind: "part" if kind == "tokenizer" else ["part"]}
    analysis = {kind: {"part": body}}
    if kind != "analyzer":
        analysis["analyzer"] = {"a": used}
    with pytest.raises(BadRequestError, match=why):
        es.indices.create(index=index_name, settings={"analysis": analysis})


def test_a_filter_that_splits_words_cannot_precede_synonyms(
    es: Elasticsearch, index_name: str
) -> None:
    filters = {"rules": {"type": "synonym", "synonyms": ["tv, telly"]}}
    with pytest.raises(BadRequestError, match="cannot be used to parse synonyms"):
        with_analyzer(es, index_name, ["edge_ngram", "rules"], filters, "tv")


def test_the_root_names_node_and_version(es: Elasticsearch) -> None:
    info = es.info()
    assert (info["name"], info["cluster_name"]) == ("embedded", "es-hybrid")
    assert info["version"]["number"] == "9.5.3"
    assert info["version"]["build_flavor"] == "default"
    assert info["tagline"] == "You Know, for Search"
    assert es.ping()
