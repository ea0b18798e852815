"""Stock over HTTP: products, their counts and ledger, and imports."""
