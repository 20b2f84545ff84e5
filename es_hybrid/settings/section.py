"""The base class of all sections, and a type that they share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from es_hybrid.secrets import remember, secrets_of_url


class Section(BaseModel):
    """One section of the settings. Immutable; rejects unknown names.

    Its secrets never leave the process, see `es_hybrid.secrets`.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, use_attribute_docstrings=True
    )

    def model_post_init(self, context: Any) -> None:
        """Report the secrets of this section."""
        for secret in self.secrets():
            remember(secret)

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Also in a process that receives the settings, such as an actor of Ray."""
        super().__setstate__(state)
        self.model_post_init(None)

    def secrets(self) -> Iterator[str]:
        """Keys and passwords, also those in URLs."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, SecretStr):
                    yield one.get_secret_value()
            if isinstance(value, str) and name.endswith("url"):
                yield from secrets_of_url(value)


def _fits_a_header(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError(
            "a header can only carry printable ASCII: choose a key of letters, digits and "
            "punctuation"
        )
    return secret


HeaderSecret = Annotated[SecretStr, AfterValidator(_fits_a_header)]
"""A secret that is sent or received in an HTTP header."""

HashKey = Annotated[SecretStr, Field(min_length=16)]
"""The key of a keyed hash."""


def without_credentials(url: str | None, *, key: str) -> str | None:
    """Refuse a URL with user and password: it is shown in messages.

    Args:
        key: The setting for the key.

    Raises:
        ValueError: there are some.
    """
    authority = (url or "").partition("://")[2].partition("/")[0]
    if "@" in authority:
        raise ValueError(f"a URL must not contain a user or a password: set {key}")
    return url
