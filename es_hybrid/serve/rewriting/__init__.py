"""Makes plain searches of a shop hybrid by rules, so that only the host changes.

    [[serve.rewrite]]
    index = "products*"
    form = "magento"

A rule finds the shopper's text in a body and adds `ext.es_hybrid` to it. Everything else about the
search stays, and Elasticsearch's form of the answer as well. See docs/rewriting.md.
"""
