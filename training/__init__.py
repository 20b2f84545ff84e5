"""How the small reranker that comes with es-hybrid is made: `python -m training.small_reranker`."""
