"""The pages' programs and commands, run as they stand."""
