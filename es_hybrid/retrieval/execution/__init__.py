"""Running a plan: leaves, fusion, the page. Generators that do no I/O; see `retrieval.needs`."""
