"""The commands of `es-hybrid align`."""
