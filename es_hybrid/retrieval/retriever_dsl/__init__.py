"""Parses search bodies: Elasticsearch's retrievers, and bodies with `ext.es_hybrid`.

Errors have Elasticsearch's status, type and reason, without line and column, which decoded JSON no
longer has.
"""
