"""Fakes that inject faults: servers over real sockets, an embedder and a reranker."""
