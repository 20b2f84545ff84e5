"""Proposes a field mapping from the first rows of a feed."""

from ingest.mapping.columns import Column, columns_of
from ingest.mapping.propose import Proposal, propose
from ingest.mapping.settings_file import as_toml, write_settings

__all__ = ["Column", "Proposal", "as_toml", "columns_of", "propose", "write_settings"]
