"""A field mapping proposed from the first rows of a feed.

`columns` says what a column holds, `names` what columns are called in many languages, `propose`
puts the two together, and `settings_file` writes the result as TOML.
"""

from ingest.mapping.columns import Column, columns_of
from ingest.mapping.propose import Proposal, propose
from ingest.mapping.settings_file import as_toml, write_settings

__all__ = ["Column", "Proposal", "as_toml", "columns_of", "propose", "write_settings"]
