"""Which cluster, and how it is reached."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from es_hybrid.settings.section import Section


class ElasticsearchSettings(Section):
    """The cluster."""

    url: str | None = None
    """Unset: the embedded node that runs, else `http://localhost:9200`."""
    api_key: SecretStr | None = None
    """Encoded API key. Either this or a username."""
    username: str | None = None
    """With `password`, for basic authentication."""
    password: SecretStr | None = None
    """Of `username`."""
    ca_certs: Path | None = None
    """PEM file of the authority that signed the cluster's certificate."""
    timeout: float = Field(30.0, gt=0)
    """Seconds for one request."""

    @model_validator(mode="after")
    def _one_credential(self) -> ElasticsearchSettings:
        if self.api_key and self.username:
            raise ValueError("api_key and username are both set: keep one")
        return self
