"""The data stream in Elasticsearch: its template, and bulk requests to it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, cast

from elasticsearch import ApiError, AuthorizationException, Elasticsearch, NotFoundError

from es_hybrid.client import connect, reason_of, resolve_url, translated
from es_hybrid.errors import ElasticsearchError
from es_hybrid.settings import EventsSettings, Settings

logger = logging.getLogger(__name__)

_CREATE = b'{"create":{}}'
# Not allowed to write, or no data stream and no template to create it by.
_REFUSED = frozenset((401, 403, 404))


class EventStream:
    """Writes events; for one thread. Connects with the first one.

    While the cluster cannot be reached, events are dropped. If it refuses them all, for want of a
    privilege or of a template, it is not asked again.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Elasticsearch | None = None
        self._ready = self._refused = self._away = False

    def write(self, lines: Sequence[bytes]) -> int:
        """Write events; returns how many are written."""
        if self._refused:
            return 0
        try:
            with translated(resolve_url(self._settings.elasticsearch)):
                written = self._written(lines)
        except ElasticsearchError as error:
            if not self._away:
                logger.warning("events are dropped until the cluster takes them: %s", error)
            self._away = True
            return 0
        self._away = False
        return written

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()

    def _written(self, lines: Sequence[bytes]) -> int:
        if self._client is None:
            # An event is not worth a second attempt.
            self._client = connect(self._settings.elasticsearch).options(
                max_retries=0, retry_on_status=()
            )
        if not self._ready:
            try:
                install_template(self._client, self._settings.events)
            except AuthorizationException:
                logger.info("not allowed to manage index templates: there may be one")
            self._ready = True
        operations = [part for line in lines for part in (_CREATE, line)]
        try:
            answer = self._client.bulk(
                index=self._settings.events.stream,
                operations=cast("Sequence[Mapping[str, Any]]", operations),
                # Without the template, this would create an index and map every field.
                require_data_stream=True,
                filter_path="items.*.status,items.*.error",
            )
        except ApiError as error:
            if error.meta.status not in _REFUSED:
                raise
            self._refuse(str(error))
            return 0
        return self._taken([item["create"] for item in answer.body["items"]])

    def _taken(self, items: Sequence[Mapping[str, Any]]) -> int:
        """Number of events that are written; the first reason of the others is logged."""
        statuses = Counter(item["status"] for item in items)
        if failed := next((item for item in items if item["status"] != 201), None):
            reason = reason_of(failed.get("error", "unknown"))
            if failed["status"] in _REFUSED:
                self._refuse(reason)
            else:
                logger.warning("%d events are dropped: %s", len(items) - statuses[201], reason)
        return statuses[201]

    def _refuse(self, reason: str) -> None:
        self._refused = True
        stream = self._settings.events.stream
        logger.warning(
            "events are off: %s: %s; grant `manage_index_templates` on the cluster, and "
            "`create_doc` and `auto_configure` on %s; or set events.enabled = false",
            stream, reason, stream,
        )  # fmt: skip


def install_template(client: Elasticsearch, settings: EventsSettings) -> bool:
    """Install the index template of the data stream, unless it has this version or a later one.

    A data stream that exists gets the fields that are new.

    Returns:
        Whether it was installed.

    Raises:
        ApiError: the cluster refuses it.
    """
    name, template = settings.stream, stream_template(settings)
    try:
        (found,) = client.indices.get_index_template(name=name)["index_templates"]
    except NotFoundError:
        pass
    else:
        if found["index_template"].get("version", 0) >= template["version"]:
            return False
    client.indices.put_index_template(name=name, **template)
    if client.indices.exists(index=name):
        properties = template["template"]["mappings"]["properties"]
        client.indices.put_mapping(index=name, properties=properties)
    return True


def stream_template(settings: EventsSettings) -> dict[str, Any]:
    """The index template of `mappings/events.json` for the stream of the settings."""
    template: dict[str, Any] = json.loads(files("mappings").joinpath("events.json").read_text())
    template["index_patterns"] = [settings.stream]
    template["template"]["lifecycle"]["data_retention"] = settings.retention
    return template
