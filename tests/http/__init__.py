"""Tests of the REST service and its server."""
