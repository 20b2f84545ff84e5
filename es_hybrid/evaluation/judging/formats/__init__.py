"""Read the judgement files of other tools, one record at a time."""
