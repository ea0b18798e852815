"""Tests of counts, receipts, corrections and the ledger."""
