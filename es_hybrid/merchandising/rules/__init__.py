"""Merchandising rules: what they say, when they apply, and where they are stored."""
