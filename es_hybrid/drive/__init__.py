"""Drives a search: serves its needs, limits its time, and survives the failure of a part."""
