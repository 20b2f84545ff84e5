"""Reading search bodies: Elasticsearch's retriever language, and bodies with `ext.es_hybrid`.

What is wrong with a body is said as Elasticsearch says it: status, error type and reason, less the
line and column, which decoded JSON no longer has.
"""
