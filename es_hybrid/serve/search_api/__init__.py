"""`_search` and `_msearch` of Elasticsearch's API, where only es-hybrid can answer them.

searches     the two endpoints: pass on, or answer
parameters   the query string: what belongs into the body, what goes along, what shapes the answer
msearch      the lines of a multi-search
presentation filter_path, pretty, rest_total_hits_as_int
typed_keys   names of aggregations with their types, as the Java client wants them
understood   which searches need es-hybrid
"""
