"""Synonyms learned from the titles of one product and from clicks, and people's decisions."""
