"""Storage on PostgreSQL and SQLite."""

from oms_peewee.storage import PeeweeStorage, open_postgresql, open_sqlite

__all__ = ["PeeweeStorage", "open_postgresql", "open_sqlite"]
