"""What SQLite alone has: its file, its connections, its statements, its errors."""

from oms_peewee.sqlite.dialect import open_sqlite

__all__ = ["open_sqlite"]
