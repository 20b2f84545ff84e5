"""The tabs of the page. Each is a class: `build` makes its fields, the rest answers its events."""
