"""The loading pipeline and its commands. Imports es_hybrid; es_hybrid never imports this."""
