"""Search: requests are compiled into plans, and plans are run. Nothing here does I/O."""
