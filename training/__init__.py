"""Training of the bundled reranker and of the alignment weights."""
