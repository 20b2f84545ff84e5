"""Import saved objects into a running Kibana.

    GET  /api/status                                        which Kibana it is
    POST [/s/SPACE]/api/saved_objects/_import?overwrite=true

Redirects are refused: the credentials must not reach another host.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from es_hybrid.errors import KibanaError
from es_hybrid.kibana.objects import SavedObject, as_ndjson
from es_hybrid.node.artifacts import VERSION
from es_hybrid.secrets import excerpt
from es_hybrid.settings import ElasticsearchSettings

MAJOR = int(VERSION.partition(".")[0])
_STATUS = "/api/status"
_REMEDIES = {
    401: "set elasticsearch.api_key, or username and password",
    403: "grant this user `All` on Dashboards, Discover and Data View Management in this space",
    404: "check the URL, including server.basePath, and the space",
    503: "wait until Kibana is ready",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What Kibana answered.

    Attributes:
        version: Of Kibana.
        objects: Type and title of each imported object.
        refused: The same with the reason, of each object that it refused.
    """

    version: str
    objects: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, str, str], ...]


class Kibana:
    """A running Kibana.

    Args:
        url: Its address, with `server.basePath` if it has one: `https://kibana.example.org`.
        settings: The credentials of Elasticsearch, which are Kibana's as well, `ca_certs` and
            `timeout`.

    Raises:
        KibanaError: the URL is not one, or `ca_certs` cannot be read.
    """

    def __init__(self, url: str, settings: ElasticsearchSettings) -> None:
        if not url.startswith(("http://", "https://")):
            raise KibanaError(
                "not an http address", place=url, remedy="write it as http://localhost:5601"
            )
        self._url = url.rstrip("/")
        # Kibana refuses a request that changes something without this header.
        headers = {"kbn-xsrf": "es-hybrid"}
        auth = None
        if settings.api_key:
            headers["Authorization"] = f"ApiKey {settings.api_key.get_secret_value()}"
        elif settings.username:
            password = settings.password.get_secret_value() if settings.password else ""
            auth = httpx2.BasicAuth(settings.username, password)
        self._client = httpx2.Client(
            headers=headers,
            auth=auth,
            follow_redirects=False,
            timeout=settings.timeout,
            verify=_trusted(settings.ca_certs),
        )

    def version(self) -> str:
        """Its version.

        Raises:
            KibanaError: it cannot be reached, refuses the credentials, or is not Kibana.
        """
        status = self._ask("GET", _STATUS)
        try:
            return str(status["version"]["number"])
        except (KeyError, TypeError):
            # Without credentials, Kibana answers only whether it is available.
            known = isinstance(status, Mapping) and "status" in status
            raise KibanaError(
                "Kibana does not tell its version" if known else "the server is not Kibana",
                place=self._url + _STATUS,
                remedy=_REMEDIES[401] if known else _REMEDIES[404],
            ) from None

    def import_objects(self, objects: Sequence[SavedObject], *, space: str = "") -> Imported:
        """Import objects in place of those with the same ids.

        Args:
            space: Id of a space; empty for the default one.

        Raises:
            KibanaError: as `version`, or it is of another major version than these objects.
        """
        version = self.version()
        if version.partition(".")[0] != str(MAJOR):
            raise KibanaError(
                f"this is Kibana {version}, and the dashboards are for Kibana {MAJOR}",
                place=self._url,
                remedy=f"upgrade Kibana to {MAJOR}.x, or use the es-hybrid for its version",
            )
        path = f"/s/{quote(space, safe='')}" if space else ""
        answer = self._ask(
            "POST",
            f"{path}/api/saved_objects/_import?overwrite=true",
            # Kibana goes by the name's end.
            files={"file": ("es-hybrid.ndjson", as_ndjson(list(objects)), "application/ndjson")},
        )
        titles = {(each["type"], each["id"]): _title(each) for each in objects}
        return Imported(
            version=version,
            objects=tuple(
                (each["type"], titles[each["type"], each["id"]])
                for each in answer.get("successResults", ())
            ),
            refused=tuple(
                (each["type"], titles[each["type"], each["id"]], _reason(each["error"]))
                for each in answer.get("errors", ())
            ),
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        place = self._url + path
        try:
            response = self._client.request(method, place, **content)
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise KibanaError(
                f"Kibana cannot be reached ({error})",
                place=place,
                remedy="start it, or check --url and elasticsearch.ca_certs",
            ) from None
        try:
            answer = json.loads(response.content)
        except ValueError:
            answer = None
        if response.is_success and answer is not None:
            return answer
        reason = excerpt(response.text)
        if isinstance(answer, Mapping) and "message" in answer:
            reason = excerpt(str(answer["message"]))
        raise KibanaError(
            f"Kibana answered {response.status_code}: {reason or response.reason_phrase}",
            place=place,
            remedy=_REMEDIES.get(response.status_code, "check that this is Kibana's URL"),
        )


def _trusted(ca_certs: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_certs)
    except OSError as error:  # also what is no certificate
        raise KibanaError(
            f"no certificate can be read ({error.strerror or error})",
            place=f"elasticsearch.ca_certs = {ca_certs}",
            remedy="name a PEM file",
        ) from None


def _title(saved: SavedObject) -> str:
    """A data view's title is its index."""
    attributes = saved["attributes"]
    return str(attributes.get("name", attributes["title"]))


def _reason(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "missing_references":
            ids = ", ".join(f"{missing['type']} {missing['id']}" for missing in error["references"])
            return f"it refers to {ids}, which this space does not have"
        case "conflict" | "ambiguous_conflict":
            return "other objects have its id: delete them, or install into another space"
        case "unsupported_type":
            return "this Kibana has no such objects"
    return excerpt(str(error.get("message", error["type"])))
