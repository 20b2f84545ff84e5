"""The HTTP server: Elasticsearch's own API, with the retrievers that the cluster may not run.

gateway    which door a request takes
upstream/  the way to Elasticsearch, and everything that only passes through
searches   `_search` and `_msearch`, where only es-hybrid can answer them
app        es-hybrid's own endpoints, and all parts put together
server     the process: its socket, its signals, its end
"""
