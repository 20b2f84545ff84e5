"""The commands of `es-hybrid align`, and the input and output of an alignment."""
