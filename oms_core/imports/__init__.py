"""Spools of imports: a whole file checked and sorted on disk before anything is changed, in bounded memory."""
