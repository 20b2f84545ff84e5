"""The way to Elasticsearch: one address, a pool of connections, requests passed on unchanged."""
