"""Loading: rows cut into slices, cleaned, embedded and written, in threads or on Ray."""
