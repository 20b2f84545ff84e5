"""The index: its body, the passport of its vectors, and how a product is written into it."""
