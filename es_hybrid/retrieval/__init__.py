"""Retrieval: requests read into plans, plans run.

    language/    bodies in Elasticsearch's words -> Plan
    shop.py      a shop's request -> Plan
    execution/   Plan -> leaves, fusion, page -> Retrieved

Nothing here does I/O: see `needs`.
"""
