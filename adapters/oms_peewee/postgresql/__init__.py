"""What PostgreSQL alone has: its connections, its statements, its errors."""

from oms_peewee.postgresql.dialect import open_postgresql

__all__ = ["open_postgresql"]
