"""What a search runs in, and what it reads there first."""

from __future__ import annotations

from collections.abc import Generator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

from es_hybrid.errors import IndexStateError, RequestRefused
from es_hybrid.index.passport import Passport, choose_passport
from es_hybrid.merchandising.rules.rule import RuleVersion
from es_hybrid.retrieval.execution.abilities import Abilities, Execution
from es_hybrid.retrieval.execution.requests import checked, mapping
from es_hybrid.retrieval.known_rules import KnownRules
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.remembered import Remembered
from es_hybrid.retrieval.vector_fields import REMOTE, KnownFields, VectorFields, vector_fields
from es_hybrid.settings import Settings
from es_hybrid.understanding.synonym_file import SynonymFile
from es_hybrid.understanding.synonym_rules import SynonymRules
from es_hybrid.understanding.value_classes import ValueClasses
from es_hybrid.understanding.vocabulary import Vocabulary

# The indices searched -> the words of their products. The owner decides when to forget.
Vocabularies = MutableMapping[frozenset[str], Vocabulary]

# A set of Elasticsearch's synonyms API -> its rules, or why there are none.
SynonymSets = MutableMapping[str, SynonymRules | str]

# The name searched -> its facet values that mean the same.
KnownClasses = MutableMapping[str, ValueClasses]

# Query-string parameters that decide which indices a name stands for.
_RESOLVING = frozenset(["ignore_unavailable", "expand_wildcards"])

# Vocabularies to remember, and for how many seconds. The same for sets of synonyms.
_VOCABULARIES = (100, 300)
_SETS = (1, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a search runs in.

    Attributes:
        index: As in a path; empty for every index.
        abilities: Abilities of the cluster; one object for all searches of a client.
        known: What earlier searches of this caller read from mappings.
        vocabularies: The catalogues' words that they read.
        synonyms: The file of synonyms, if `search.synonyms` names one.
        synonym_sets: The sets of synonyms that they read.
        rules: The merchandising rules that they read.
        trial: Id of a rule -> the version that applies instead, live or not; None: no version.
        value_classes: The facet values that mean the same, as they read them.
        reranks: Whether a reranker is configured.
        execution: Where compound retrievers run: `native` in Elasticsearch, `client` here, `auto`
            in Elasticsearch as far as it allows. None: the setting.
        degrade: A failing embedder or reranker makes a search worse instead of failing it.
        stages_in_full: Of every hit that a stage ranked the id is wanted, not only of the page's.
    """

    index: str = ""
    settings: Settings = field(default_factory=Settings)
    abilities: Abilities = field(default_factory=Abilities)
    known: KnownFields = field(default_factory=dict)
    vocabularies: Vocabularies = field(default_factory=lambda: Remembered(*_VOCABULARIES))
    synonyms: SynonymFile | None = None
    synonym_sets: SynonymSets = field(default_factory=lambda: Remembered(*_SETS))
    rules: KnownRules = field(default_factory=KnownRules)
    trial: Mapping[str, RuleVersion | None] = field(default_factory=dict)
    value_classes: KnownClasses = field(default_factory=lambda: Remembered(*_VOCABULARIES))
    reranks: bool = False
    execution: Execution | None = None
    degrade: bool = True
    stages_in_full: bool = False

    @property
    def runs_in(self) -> Execution:
        """Where compound retrievers run."""
        return self.execution or self.settings.search.execution


def read_passport(context: Context) -> Generator[Need, Any, Passport]:
    """The passport shared by all indices that the name stands for.

    Raises:
        RequestRefused: there is no such index, or none that may be read.
        IndexStateError: there is no passport, one index lacks it, or there are several to choose
            from.
    """
    fields = yield from read_fields(context)
    if fields.passports and fields.without_passport:
        # Not a shop's index, although the alias includes it.
        raise IndexStateError(
            "an index behind this name has no es-hybrid passport: "
            + ", ".join(fields.without_passport),
            place=f"index {context.index}",
            remedy="remove it from the alias, or prepare it with `es-hybrid index plan`",
        )
    if len(fields.passports) == 1:
        return fields.passports[0]
    wanted = context.settings.index.vector_field
    return choose_passport(fields.passports, wanted, place=f"index {context.index}")


def is_remote(index: str) -> bool:
    """Whether a part of the name is in another cluster: `cluster:index`.

    `index::failures` and date math such as `<logs-{now/d{HH:mm}}>` are not.
    """
    parts = (part.lstrip("-") for part in index.split(","))
    return any(":" in part.replace("::", "") for part in parts if not part.startswith("<"))


def narrowed(context: Context, params: Mapping[str, str]) -> Context:
    """The context of a search whose parameters change which indices its name stands for.

    What others read of the name does not hold for it, nor the other way round.
    """
    return context if _RESOLVING.isdisjoint(params) else replace(context, known={})


def read_fields(
    context: Context, params: Mapping[str, str] | None = None
) -> Generator[Need, Any, VectorFields]:
    """What the mappings of the index say about vectors.

    Args:
        params: Query-string parameters of the search, in a context that is `narrowed` to them.

    Raises:
        RequestRefused: there is no such index, or none that may be read.
    """
    index = context.index
    if is_remote(index):
        return REMOTE
    if index not in context.known:
        given = params or {}
        reply = yield mapping(index, {name: given[name] for name in _RESOLVING & given.keys()})
        if reply.status == 404:
            raise RequestRefused(
                "no such index",
                status=404,
                type="index_not_found_exception",
                place=f"index {index}",
                remedy="create it with `es-hybrid index create`, or load into it",
                answer=reply.body,
            )
        context.known[index] = vector_fields(checked(reply))
    return context.known[index]
