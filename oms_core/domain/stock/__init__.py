"""Stock: products and their levels, and how they change."""
