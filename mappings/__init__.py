"""Index settings and mappings, shipped as package data."""
