"""A shop's request, compiled into a plan: words, filters, facets."""
