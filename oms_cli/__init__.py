"""The admin command line `oms`: a driver over the core."""
