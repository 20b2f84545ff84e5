"""Which language analyzers a cluster really has.

They are part of every distribution, yet not of every node (the embedded one has none of them), and
a mapping that names a missing one is refused as a whole. So each is asked for first.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from elasticsearch import BadRequestError, Elasticsearch

logger = logging.getLogger(__name__)

# Language -> (sub-field, analyzer). Chinese, Japanese and Korean share the bigrams of `cjk`:
# right for all three without a plugin.
ANALYZERS = {
    "ar": ("ar", "arabic"),
    "de": ("de", "german"),
    "en": ("en", "english"),
    "es": ("es", "spanish"),
    "fr": ("fr", "french"),
    "it": ("it", "italian"),
    "ja": ("cjk", "cjk"),
    "ko": ("cjk", "cjk"),
    "nl": ("nl", "dutch"),
    "pt": ("pt", "portuguese"),
    "ru": ("ru", "russian"),
    "th": ("th", "thai"),
    "tr": ("tr", "turkish"),
    "zh": ("cjk", "cjk"),
}


def probe_analyzers(client: Elasticsearch, languages: Sequence[str]) -> dict[str, str]:
    """Sub-field -> analyzer for those of `languages` whose analyzer this cluster has.

    A missing one is a warning: its language is still found through the `standard` analyzer of
    the main field, only without stemming (or bigrams).
    """
    wanted = dict(ANALYZERS[language] for language in languages)
    found = {name: analyzer for name, analyzer in wanted.items() if _has(client, analyzer)}
    missing = sorted(set(wanted.values()) - set(found.values()))
    if missing:
        logger.warning(
            "this cluster lacks the analyzers %s: `standard` serves those languages",
            ", ".join(missing),
        )
    return found


def _has(client: Elasticsearch, analyzer: str) -> bool:
    try:
        client.indices.analyze(analyzer=analyzer, text="a")
    except BadRequestError:
        return False
    return True
