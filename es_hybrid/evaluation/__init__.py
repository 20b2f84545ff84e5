"""Measuring a search on judged queries."""
