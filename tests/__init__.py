"""The tests; a package, so that every folder in it may import tests.services."""
