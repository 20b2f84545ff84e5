"""`es-hybrid align`: the commands, and what goes in and out of an alignment.

Products come from files and indices (`catalogue`), pairs go out as files (`export`) and groups
into the index (`writeback`). What decides is `es_hybrid.align`.
"""
