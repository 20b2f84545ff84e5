"""Filling vectors into existing documents while their shop keeps writing.

A document is read, embedded and updated only if it did not change meanwhile (`if_seq_no`), so no
writer's change is lost. The next scan reads changed documents again; the last scan is the one that
finds nothing to fill. The only state is the index itself.
"""
