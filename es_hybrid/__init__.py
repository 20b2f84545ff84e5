"""es-hybrid."""
