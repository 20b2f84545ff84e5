"""Shared by es-hybrid's HTTP servers: listening, API keys, JSON answers, errors as answers."""
