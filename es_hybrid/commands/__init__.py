"""The commands of `es-hybrid`, one module each."""
