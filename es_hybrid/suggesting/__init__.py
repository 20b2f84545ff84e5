"""Suggestions for what a shopper has typed so far: brands, categories and products."""
