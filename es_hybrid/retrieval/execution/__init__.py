"""Runs a plan: leaves, fusion, reranking, the page. Generators that do no I/O."""
