"""The connection to the Elasticsearch cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from es_hybrid.settings.section import HeaderSecret, Section


class ElasticsearchSettings(Section):
    """The connection to the Elasticsearch cluster."""

    url: str | None = None
    """URL of the cluster. Unset: the running embedded node, otherwise `http://localhost:9200`."""
    api_key: HeaderSecret | None = None
    """API key, encoded in base64. Cannot be combined with `username`."""
    username: str | None = None
    """User name for basic authentication."""
    password: SecretStr | None = None
    """Password for `username`."""
    ca_certs: Path | None = None
    """PEM file with the certificate of the authority that signed the cluster's certificate."""
    timeout: float = Field(30.0, gt=0)
    """Seconds to wait for the response to one request."""

    def secrets(self) -> Iterator[str]:
        """Also user and password as sent in Basic authentication."""
        yield from super().secrets()
        if self.password:
            yield f"{self.username}:{self.password.get_secret_value()}"

    @model_validator(mode="after")
    def _one_credential(self) -> ElasticsearchSettings:
        if self.api_key and self.username:
            raise ValueError("api_key and username are both set: keep one")
        return self
