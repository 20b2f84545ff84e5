"""What a load remembers and reports: ledger, dead letters, counts, progress."""
