"""Precedence of the sources, errors for wrong values, and secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import SettingsError
from es_hybrid.settings import load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(text: str, name: str = "es-hybrid.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_a_file() -> None:
    settings = load_settings()
    assert settings.index.name == "products"
    assert settings.search.rank_constant == 60
    assert settings.embedding.base_url is None


def test_flags_override_the_environment_and_that_overrides_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _write('[index]\nname = "file"\nshards = 3\n[search]\nwindow = 7\n')
    monkeypatch.setenv("ES_HYBRID_INDEX__NAME", "environment")
    monkeypatch.setenv("ES_HYBRID_SEARCH__WINDOW", "8")
    settings = load_settings(flags={"index": {"name": "flag"}, "search": {"window": None}})
    assert settings.index.name == "flag"
    assert settings.index.shards == 3
    assert settings.search.window == 8


def test_a_given_file_replaces_the_default_one() -> None:
    _write('[index]\nname = "default"\n')
    other = _write('[index]\nname = "other"\n', "other.toml")
    assert load_settings(other).index.name == "other"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[embedding]\ndims = 5000\n", "embedding.dims"),
        ("[embedding]\ndims = 16\n", "embedding.dims"),
        ("[search]\nrank_constant = 0\n", "search.rank_constant"),
        ("[search]\nwindow = 2000\n", "num_candidates"),
        ("[index]\nlanguages = ['xx']\n", "index.languages.0"),
        ("[elasticsearch]\nurll = 'x'\n", "elasticsearch.urll: unknown setting"),
        ("[nonsense]\na = 1\n", "nonsense: unknown setting"),
        ("[elasticsearch]\napi_key = 'a'\nusername = 'b'\n", "keep one"),
        (
            "[serve]\napi_keys = ['пароль-из-букв-кириллицы']\n",
            "a header can only carry printable ASCII",
        ),
        ('[serve]\napi_keys = ["with-a-\\u007f-control-character"]\n', "serve.api_keys.0"),
        ("[embedding]\napi_key = 'clé'\n", "embedding.api_key"),
        ("[rerank]\napi_key = 'clé'\n", "rerank.api_key"),
        ("[elasticsearch]\napi_key = '“YWJj”'\n", "elasticsearch.api_key"),
        ("[serve]\nhosts = ['https://shop.example']\n", "this is not a host name"),
        ("[serve]\nhosts = ['shop.example:443']\n", "serve.hosts.0"),
        ("[serve]\nhosts = ['*.example']\n", "serve.hosts.0"),
        ("[serve]\nhosts = ['']\n", "serve.hosts.0"),
        ("[serve]\ncors_origins = ['*']\n", "this is not an origin"),
        ("[serve]\ncors_origins = ['null']\n", "serve.cors_origins.0"),
        ("[serve]\ncors_origins = ['shop.example']\n", "serve.cors_origins.0"),
        ("[serve]\ncors_origins = ['https://shop.example/']\n", "serve.cors_origins.0"),
        ("[serve]\ncors_origins = ['https://Shop.example']\n", "serve.cors_origins.0"),
        ("[serve]\ncors_origins = ['https://shop.example:443']\n", "serve.cors_origins.0"),
        ("[serve]\ncors_origins = ['https://*.example']\n", "serve.cors_origins.0"),
        ("[index\n", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(text: str, named: str) -> None:
    _write(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in str(caught.value)
    assert str(caught.value).startswith("es-hybrid.toml: ")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "-shop", "_all", "+x", "shop-*", "sho?", "a,b", "a b", "a\tb", "a/b", "a\\b",
     "<shop-{now/d}>", "eu:shop", "a#b", 'a"b', "a|b", "x" * 256],
)  # fmt: skip
def test_the_name_of_an_index_names_one_index(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags={"index": {"name": name}})
    assert str(caught.value).startswith("settings: index.name: ")
    assert "value error" not in str(caught.value)


@pytest.mark.parametrize("name", ["products", "products-v0001", ".shop", "Shop", "商店", "a.b_c-d"])
def test_names_that_elasticsearch_takes(name: str) -> None:
    assert load_settings(flags={"index": {"name": name}}).index.name == name


def test_host_names_are_compared_in_lower_case() -> None:
    settings = load_settings(flags={"serve": {"hosts": ["Shop.Example", "[2001:DB8::1]"]}})
    assert settings.serve.hosts == ("shop.example", "2001:db8::1")


def test_origins_of_web_sites_are_as_browsers_send_them() -> None:
    origins = ("https://shop.example", "http://localhost:8080", "https://[2001:db8::1]:8443")
    assert load_settings(flags={"serve": {"cors_origins": origins}}).serve.cors_origins == origins


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: no such settings file"):
        load_settings(Path("nowhere.toml"))


def test_secrets_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__API_KEY", "sk-canary")
    monkeypatch.setenv("ES_HYBRID_ELASTICSEARCH__API_KEY", "es-canary")
    settings = load_settings()
    assert "canary" not in repr(settings)
    assert settings.embedding.api_key.get_secret_value() == "sk-canary"


def test_an_error_never_shows_the_value() -> None:
    _write("[elasticsearch]\napi_key = 'secret-canary'\nusername = 'b'\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "secret-canary" not in str(caught.value)


def test_events_that_hash_queries_need_a_key() -> None:
    with pytest.raises(SettingsError, match="needs a key: set hash_key, or query_text to none"):
        load_settings(flags={"events": {"enabled": True}})
    assert load_settings(flags={"events": {"enabled": True, "query_text": "none"}}).events.enabled
