"""How things are shown: columns for tables and CSV, documents for JSON."""
