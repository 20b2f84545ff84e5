"""What a shopper's words mean: identifiers, misspelt words, prices, exclusions, values."""
