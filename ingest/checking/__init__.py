"""Checks a feed and its target index, without embedding or writing anything."""

from ingest.checking.feed import FeedReport, check_feed
from ingest.checking.show import as_json, as_lines
from ingest.checking.target import TargetReport, check_target

__all__ = ["FeedReport", "TargetReport", "as_json", "as_lines", "check_feed", "check_target"]
