"""Make judgements: by import, from clicks, by people and by an LLM."""
