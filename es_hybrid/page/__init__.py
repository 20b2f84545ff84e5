"""The page: rerank texts, see a search stage by stage, review pairs of an alignment.

Everything it shows is computed by the library; see `library`.
"""
