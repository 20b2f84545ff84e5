"""The sample catalogue, its queries and judgements; README.md beside this file describes them."""
