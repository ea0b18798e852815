"""How what the core returns is shown: columns for tables and CSV, documents for JSON."""
