"""Loads: from source rows to indexed products."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from es_hybrid.settings.section import Section


class IngestSettings(Section):
    """Loads: from source rows to indexed products."""

    fields: dict[str, str] = Field(default_factory=dict)
    """Product field -> field of the source row, e.g. `{title = "name"}`. Fields not listed keep
    their name; an empty text leaves the field out."""
    category_separator: str = ""
    """Separator between the levels of a category path. Unset: the usual ones, such as `>`, `->`,
    `|` and `/` between spaces."""
    decimal_separator: Literal[".", ","] = "."
    """Decimal separator in prices given as text: `.` or `,`."""
    bad_price: Literal["warn", "reject"] = "warn"
    """What to do with a product whose price is not one amount beyond doubt: `warn` loads it without
    a price, `reject` rejects the row."""
    unpublished: Literal["skip", "load"] = "skip"
    """What happens to the products of a platform's export that shoppers cannot see there, such as
    drafts: `skip` or `load`. Skipped ones are counted."""
    sale_price: Literal["attribute", "price"] = "attribute"
    """Where the sale price of a WooCommerce, Magento or Google Merchant export goes: into an
    attribute of that name, or into `price`; the regular price is then the attribute."""
    default_currency: str = ""
    """Currency of rows without one."""
    default_lang: str = ""
    """Language of rows without one. Unset: detected from the text."""
    text_template: tuple[str, ...] = ("title", "brand", "category", "description")
    """Product fields that form the embedded text, in this order."""
    text_max_chars: int = Field(2000, ge=100)
    """Maximum length of the embedded text in characters, from 100. Longer texts are truncated."""
    bulk_bytes: int = Field(4 * 1024 * 1024, ge=100_000)
    """Maximum size of one bulk request in bytes, from 100,000."""
    bulk_concurrency: int = Field(4, ge=1, le=32)
    """Maximum number of concurrent bulk requests, 1 to 32. A load sends fewer while the cluster is
    busy or slow."""
    max_outage_s: float = Field(600.0, ge=0)
    """Seconds to wait for an unavailable Elasticsearch or embedding server before a load gives
    up."""
    dead_letters: Path = Path("es-hybrid.rejected.jsonl")
    """File for rejected rows."""
    source_api_key: SecretStr | None = None
    """API key for the cluster that an `es+https://` source reads, if that is not the configured
    cluster."""
    ledger_dir: Path = Path(".es-hybrid/loads")
    """Folder for the ledgers that let an interrupted load resume."""
    allow_repeated_ids: bool = False
    """Whether a feed may have several rows with the same id, of which the last one counts. False:
    such a load ends with exit status 3. Allowed in any case if `version` is mapped."""
    max_rejected: int | None = Field(None, ge=0)
    """Maximum number of rejected rows; one more aborts the load. Unset: no limit."""
    max_rejected_share: float = Field(0.5, ge=0, le=1)
    """Maximum fraction of rejected rows, 0 to 1; checked from 1,000 rows on."""
    max_rejected_in_a_row: int | None = Field(100, ge=1)
    """Abort after this many consecutive rejected rows."""
    max_delete_share: float = Field(0.2, ge=0, le=1)
    """Maximum fraction of the documents that `--delete-missing` may delete, 0 to 1. If more are
    missing, it deletes none."""
    ray_actors: int | None = Field(None, ge=1, le=10_000)
    """Number of actors for `--runner ray`, 1 to 10,000; each processes one slice at a time. Unset:
    one per CPU."""
