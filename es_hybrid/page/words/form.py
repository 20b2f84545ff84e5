"""The texts that each language of the page provides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PageWords"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """The page's texts in one language; `str.format` fills the braces."""

    language: str
    tagline: str
    index: str
    rerank: str
    search: str
    review: str
    judge: str
    merchandising: str

    # Shared by several tabs
    failed: str
    nothing: str
    rank: str
    text: str
    score: str
    lang: str
    decision: str
    bands: Mapping[str, str]
    export: str

    # Rerank
    query: str
    query_hint: str
    candidates: str
    candidates_hint: str
    category: str
    examples: str
    run: str
    rerank_empty: str
    scored: str
    late: str
    fell_back: str
    misfit: str
    show_all: str
    blank_query: str
    no_candidates: str
    too_many: str

    # Search
    search_hint: str
    suggestions: str
    kinds: Mapping[str, str]
    filters: str
    filters_hint: str
    use_reranker: str
    search_empty: str
    found: str
    corrected: str
    verbatim: str
    understood: str
    synonyms: str
    preferred: str
    ignore: str
    compared: str
    stages: Mapping[str, str]
    stage_notes: Mapping[str, str]
    spent: Mapping[str, str]
    facets: Mapping[str, str]
    new_mark: str
    up_mark: str
    down_mark: str
    same_mark: str
    took: str
    degraded: str
    similar: str
    zero_results: Mapping[str, str]
    why: str
    why_hint: str
    previous: str
    next: str
    ranks: str
    close: str
    gone: str

    # Review
    name: str
    name_hint: str
    reason: str
    reason_hint: str
    category_of_pairs: str
    all_categories: str
    values_of: str
    accept: str
    reject: str
    skip: str
    undo: str
    queue_empty: str
    queue_passed: str
    waiting: str
    keys: str
    left: str
    right: str
    score_and_rule: str
    differs: str
    name_missing: str
    nothing_to_undo: str
    accepted: str
    rejected: str
    undone: str

    # Judge
    judge_hint: str
    judge_name_missing: str
    note: str
    grade: str
    grades: Mapping[int, str]
    grade_meanings: Mapping[int, str]
    graded: str
    ungraded: str
    judged: str
    alpha: str
    judge_keys: str
    judged_all: str
    judged_passed: str

    # Merchandising
    rules_fired: str
    redirected: str
    overruled: str
    rule_name_hint: str
    rule_name_missing: str
    rule_find: str
    rule_find_hint: str
    rule_count: str
    nothing_found: str
    new_rule: str
    no_rules: str
    rule_states: Mapping[str, str]
    rule_columns: Mapping[str, str]
    rule_parts: Mapping[str, str]
    rule_fields: Mapping[str, str]
    rule_hints: Mapping[str, str]
    matches: Mapping[str, str]
    modes: Mapping[str, str]
    reranks: Mapping[str, str]
    json_only: str
    preview: str
    preview_hint: str
    preview_empty: str
    preview_keys: str
    before: str
    after: str
    gone_mark: str
    pinned_by: str
    rule_idle: str
    pin: str
    hide: str
    save_draft: str
    approve: str
    delete: str
    choose_first: str
    unsaved: str
    stale: str
    saved: str
    approved: str
    deleted: str
    restored: str
    ended: str
    dry_run: str
    dry_run_queries: str
    dry_run_hint: str
    dry_run_empty: str
    dry_run_columns: Mapping[str, str]
    fires: Mapping[bool, str]
