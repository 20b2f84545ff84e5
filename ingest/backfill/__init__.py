"""Filling vectors into documents that are there already, while their shop goes on writing.

    scan (a point in time) -> stale? -> embed -> update, unless it changed since -> scan again

A document is read, embedded and updated only if nobody wrote to it meanwhile (`if_seq_no`), so no
writer's change is ever lost. Whatever changed meanwhile is met again by the next scan, and the last
scan is the one that finds nothing to do. There is no state but the index itself.
"""
