"""`_search` and `_msearch` of Elasticsearch's API, for searches that only es-hybrid can answer."""
