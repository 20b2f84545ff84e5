"""Search for settings that rank judged queries better, and prove the gain on other queries."""
