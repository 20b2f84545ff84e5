"""Compares the words and numbers of two products; uses no vectors."""
