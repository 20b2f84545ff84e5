"""What two products' own words and numbers say about each other. Nothing here knows vectors."""
