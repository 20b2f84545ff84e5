"""The commands of `es-hybrid ingest`, one a module."""
