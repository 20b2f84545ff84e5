"""Judgements from clicks, carts and orders."""
