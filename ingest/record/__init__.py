"""What a load records and reports: ledger, dead letters, counts, progress."""
