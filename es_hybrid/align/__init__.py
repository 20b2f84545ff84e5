"""SKU alignment: the same product, described in several languages, becomes one group.

Candidates come from `blocking`, their scores from `scoring`, the verdict from `verdict`, groups
from `groups`; `engine` writes the order of these steps. Everything that was decided, and why,
stands in a `store`.
"""
