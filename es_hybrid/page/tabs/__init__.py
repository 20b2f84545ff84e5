"""The tabs of the page: `build` creates a tab's fields, the other methods handle events."""
