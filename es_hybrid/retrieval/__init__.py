"""Asking Elasticsearch: bodies, filters, fusion. Pure functions; something else sends them."""
