"""Index settings and mappings, as package data."""
