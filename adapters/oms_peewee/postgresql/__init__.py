"""What PostgreSQL alone has: its connections, its statements, its errors."""

from oms_peewee.postgresql.dialect import open_postgresql
from oms_peewee.postgresql.replica import open_postgresql_replica

__all__ = ["open_postgresql", "open_postgresql_replica"]
