"""The commands of `es-hybrid ingest`, one per module."""
