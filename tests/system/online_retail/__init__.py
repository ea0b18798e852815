"""A real retailer's two months: loads them through the library, and tests that the books agree to the unit."""
