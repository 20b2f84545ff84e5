"""`es-hybrid doctor`: examines what searches and loads depend on, and changes nothing."""
