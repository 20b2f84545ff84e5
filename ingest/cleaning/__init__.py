"""A source row, cleaned into a product or rejected with a reason."""
