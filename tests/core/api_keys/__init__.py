"""Tests of making, rotating and revoking API keys."""
