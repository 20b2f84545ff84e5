"""What a load of some sources would do, told without embedding or writing anything.

`feed` reads and cleans every row, `problems` groups what is wrong, `seen_ids` finds ids that come
twice in a feed of any size, `target` holds the index against the settings, `show` prints.
"""

from ingest.checking.feed import FeedReport, check_feed
from ingest.checking.show import as_json, as_lines
from ingest.checking.target import TargetReport, check_target

__all__ = ["FeedReport", "TargetReport", "as_json", "as_lines", "check_feed", "check_target"]
