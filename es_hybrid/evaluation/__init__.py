"""Measure and compare searches: on judged queries, between two indices, before a promotion."""
