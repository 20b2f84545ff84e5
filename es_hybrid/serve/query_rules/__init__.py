"""Elasticsearch's query rules API, for clusters whose licence lacks it."""
