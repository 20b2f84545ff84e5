"""The commands of `es-hybrid align`, a module each."""
