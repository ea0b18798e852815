"""The commands of `oms`, and what several of them share."""
