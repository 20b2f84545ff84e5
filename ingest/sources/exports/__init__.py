"""Product exports of shop platforms."""
