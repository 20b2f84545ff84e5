"""Business control of ranking: signals and rules, without I/O but for the store of rules."""
