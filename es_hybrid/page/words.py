"""Every word that the page shows, in each of its languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from es_hybrid.settings.page import PageLanguage

__all__ = ["LANGUAGES", "WORDS", "Words"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The page's texts in one language. Braces are filled by `str.format`."""

    language: str
    tagline: str
    index: str
    rerank: str
    search: str
    review: str

    # What several tabs say
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
    filters: str
    filters_hint: str
    use_reranker: str
    search_empty: str
    found: str
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
    no_match: str
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
    says: str
    differs: str
    name_missing: str
    nothing_to_undo: str
    accepted: str
    rejected: str
    undone: str


_ENGLISH = Words(
    language="English",
    tagline="hybrid search, looked at closely",
    index="Index",
    rerank="Rerank",
    search="Search",
    review="Review",
    failed="That did not work.",
    nothing="–",
    rank="#",
    text="Text",
    score="Score",
    lang="Language",
    decision="Decision",
    bands={"merge": "merge", "review": "review", "discard": "discard", "": "not scored"},
    export="Save as",
    query="Query",
    query_hint="What the candidates are held against, in any language",
    candidates="Candidates",
    candidates_hint="One a line, in any mix of languages",
    category="Instruction for",
    examples="Examples",
    run="Rerank",
    rerank_empty="Paste a query and candidates, or load an example.",
    scored="{n} candidates in {ms} ms",
    late="{n} not scored in time; they follow in the order given",
    fell_back="the reranker runs on {provider}, since {wanted} cannot be had",
    misfit="The model may not be right for these texts: {why}. The order may be worse than none.",
    show_all="the whole text",
    blank_query="Type a query first.",
    no_candidates="Type at least one candidate, one a line.",
    too_many="These are {n} candidates; at most {most} are scored at once.",
    search_hint="What a shopper would type, in any language",
    filters="Filters",
    filters_hint="price<=50; brand!=Nike",
    use_reranker="Rerank the best",
    search_empty="Search, and see what each stage makes of it.",
    found="{n} found",
    compared="the best {n} are compared",
    stages={
        "bm25": "BM25",
        "knn": "kNN",
        "rrf": "Fused",
        "rerank": "Reranked",
        "result": "Result",
        "pinned": "First place",
    },
    stage_notes={
        "bm25": "by the words",
        "knn": "by the meaning",
        "rrf": "marks against BM25",
        "rerank": "marks against fused",
        "result": "as the shop shows it",
    },
    spent={
        "embed": "embedding",
        "elasticsearch": "Elasticsearch",
        "rerank": "reranking",
        "total": "in all",
    },
    facets={"brand": "Brand", "category": "Category", "lang": "Language"},
    new_mark="new",
    up_mark="{n} places up",
    down_mark="{n} places down",
    same_mark="same place",
    took="Time",
    degraded="Answered without a part: {what}",
    no_match="Nothing was found. Take a filter back, or use other words.",
    why="Why it stands there",
    why_hint="Click a product to see how its score came about.",
    previous="Previous",
    next="Next",
    ranks="ranks {first}–{last}",
    close="Close",
    gone="The index has changed meanwhile: search again.",
    name="Your name",
    name_hint="Stands beside each decision",
    reason="Reason",
    reason_hint="Optional, in your words",
    category_of_pairs="Category",
    all_categories="All categories",
    accept="Same product",
    reject="Different",
    skip="Later",
    undo="Undo",
    queue_empty="Nothing waits for a decision.",
    queue_passed="Only pairs that you left for later remain. Press Undo, or load the page again.",
    waiting="{review} waiting · {accepted} accepted · {rejected} rejected",
    keys="Keys: A or → same · R or ← different · S later · U undo",
    left="Product",
    right="Candidate",
    says="score {score} · {rule}",
    differs="differs",
    name_missing="Type your name first: it stands beside each decision.",
    nothing_to_undo="There is nothing of yours to undo.",
    accepted="Kept as the same product: {left} and {right}.",
    rejected="Kept as different: {left} and {right}.",
    undone="Taken back: {left} and {right}.",
)

_CHINESE = Words(
    language="中文",
    tagline="混合搜索，逐层看清",
    index="索引",
    rerank="重排序",
    search="搜索",
    review="人工审核",
    failed="操作未能完成。",
    nothing="–",
    rank="#",
    text="文本",
    score="得分",
    lang="语言",
    decision="判定",
    bands={"merge": "合并", "review": "待审", "discard": "舍弃", "": "未评分"},
    export="导出",
    query="查询",
    query_hint="候选文本与它比较，语言不限",
    candidates="候选文本",
    candidates_hint="每行一条，可混合多种语言",
    category="指令类别",
    examples="示例",
    run="开始重排",
    rerank_empty="粘贴查询与候选文本，或载入一个示例。",
    scored="{n} 条候选，用时 {ms} 毫秒",
    late="{n} 条未能按时评分，按原顺序排在后面",
    fell_back="无法使用 {wanted}，重排模型运行在 {provider} 上",
    misfit="该模型可能不适合这些文本：{why}。此顺序未必可靠。",
    show_all="全文",
    blank_query="请先输入查询。",
    no_candidates="请至少输入一条候选文本，每行一条。",
    too_many="共有 {n} 条候选，一次最多评分 {most} 条。",
    search_hint="顾客会输入的任何文字，语言不限",
    filters="筛选",
    filters_hint="price<=50; brand!=Nike",
    use_reranker="重排靠前结果",
    search_empty="输入查询，看看每一阶段的结果。",
    found="找到 {n} 件",
    compared="比较其中最靠前的 {n} 件",
    stages={
        "bm25": "BM25",
        "knn": "kNN",
        "rrf": "融合",
        "rerank": "重排",
        "result": "最终结果",
        "pinned": "置顶",
    },
    stage_notes={
        "bm25": "按词语",
        "knn": "按语义",
        "rrf": "标记：与 BM25 相比",
        "rerank": "标记：与融合相比",
        "result": "商店所见的顺序",
    },
    spent={
        "embed": "向量化",
        "elasticsearch": "Elasticsearch",
        "rerank": "重排",
        "total": "合计",
    },
    facets={"brand": "品牌", "category": "类目", "lang": "语言"},
    new_mark="新",
    up_mark="上升 {n} 位",
    down_mark="下降 {n} 位",
    same_mark="名次不变",
    took="用时",
    degraded="缺少部分环节：{what}",
    no_match="没有找到商品。请取消某个筛选，或换个说法。",
    why="名次的由来",
    why_hint="点击商品，查看得分的由来。",
    previous="上一页",
    next="下一页",
    ranks="第 {first}–{last} 名",
    close="关闭",
    gone="索引已有变化，请重新搜索。",
    name="您的姓名",
    name_hint="与每个决定一同记录",
    reason="理由",
    reason_hint="可不填",
    category_of_pairs="类目",
    all_categories="全部类目",
    accept="同一商品",
    reject="不同商品",
    skip="稍后",
    undo="撤销",
    queue_empty="没有待审核的商品对。",
    queue_passed="剩下的都是您留到稍后的商品对。可按“撤销”，或重新载入页面。",
    waiting="待审 {review} · 已接受 {accepted} · 已拒绝 {rejected}",
    keys="快捷键：A 或 → 同一商品 · R 或 ← 不同商品 · S 稍后 · U 撤销",
    left="商品",
    right="候选商品",
    says="得分 {score} · {rule}",
    differs="有差异",
    name_missing="请先填写姓名：它会与每个决定一同记录。",
    nothing_to_undo="没有可撤销的决定。",
    accepted="已记为同一商品：{left} 与 {right}。",
    rejected="已记为不同商品：{left} 与 {right}。",
    undone="已撤销：{left} 与 {right}。",
)

WORDS: Mapping[PageLanguage, Words] = {"en": _ENGLISH, "zh": _CHINESE}
LANGUAGES: tuple[PageLanguage, ...] = tuple(WORDS)
