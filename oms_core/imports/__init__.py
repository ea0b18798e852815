"""All of an import: its records, its rows and what is wrong with them, kept on disk until all of them are checked."""
