"""Tests of threads, waiting, sharing commits, and parts."""
