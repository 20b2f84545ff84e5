"""Turns a source row into a clean product, or rejects it with a reason."""
