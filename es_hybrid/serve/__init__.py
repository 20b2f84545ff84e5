"""The HTTP server: Elasticsearch's own API, plus retrievers that the cluster may not run."""
