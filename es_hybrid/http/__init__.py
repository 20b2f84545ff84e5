"""What every HTTP server of es-hybrid needs: listening, keys, JSON, refusals."""
