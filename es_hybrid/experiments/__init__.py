"""Experiments on shoppers: two rankings, a log of clicks, and a test of which one is better."""
