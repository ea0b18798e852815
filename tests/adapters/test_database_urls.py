"""OMS_DATABASE_URL: which forms are taken, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from oms_core import Settings
from oms_core.bootstrap import open_ports
from oms_core.errors import OmsError

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "described"),
    [
        ("postgresql://ann@h/shop", "PostgreSQL database shop at h:5432"),
        ("postgres://ann:s3cret@h:5433/shop", "PostgreSQL database shop at h:5433"),
        ("PostgreSQL://ann@h/shop", "PostgreSQL database shop at h:5432"),
        ("POSTGRES://ann@h/shop?sslmode=disable", "PostgreSQL database shop at h:5432"),
        ("postgresql://ann:s3cret@h1,h2/shop", "PostgreSQL database shop at h1:5432, h2:5432"),
        ("postgresql://ann@h1:5433,h2/shop", "PostgreSQL database shop at h1:5433, h2:5432"),
        ("postgresql://ann@h1,h2:5434/shop", "PostgreSQL database shop at h1:5432, h2:5434"),
        ("postgresql://ann@/shop?host=h1,h2&port=5433", "PostgreSQL database shop at h1:5433, h2:5433"),
        ("postgresql://ann@h1:1,h2:2/shop?target_session_attrs=read-write", "PostgreSQL database shop at h1:1, h2:2"),
        (
            "postgresql://ann@/shop?hostaddr=10.0.0.1,10.0.0.2",
            "PostgreSQL database shop at 10.0.0.1:5432, 10.0.0.2:5432",
        ),
        ("postgresql://ann@[::1]:5433/shop", "PostgreSQL database shop at ::1:5433"),
        ("postgresql:///shop?host=/run/postgresql", "PostgreSQL database shop at /run/postgresql:5432"),
        ("sqlite:////data/oms.db", "SQLite file /data/oms.db"),
        ("SQLite:////data/oms.db", "SQLite file /data/oms.db"),
    ],
)
def test_these_forms_are_taken(url: str, described: str) -> None:
    assert open_ports(Settings(database_url=url)).storage.describe().startswith(f"{described} (")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://ann:s3cret@h/shop?ssl_mode=s3cret", "libpq knows no parameter 'ssl_mode'"),
        ("postgres://h/shop?sslmode=disable&pool_size=5", "libpq knows no parameter 'pool_size'"),
        ("postgresql://h/shop?a%0Ab=s3cret", "libpq knows no parameter 'a\\nb'"),
        ("postgresql://ann:s3cret@h:s3cret/shop", "is no PostgreSQL URL"),
        ("postgresql://ann:s3cret@h1:1,h2:2,h3:x/shop", "is no PostgreSQL URL"),
        ("sqlite:///oms.db?mode=ro", "sqlite:// knows no parameter 'mode'"),
        ("sqlite:///oms.db?timeout=5&cache=s3cret", "sqlite:// knows no parameter 'cache, timeout'"),
        ("mysql://ann:s3cret@h/shop", "nothing installed serves mysql://"),
    ],
)
def test_a_wrong_url_is_told_in_one_line_without_its_password(url: str, told: str) -> None:
    with pytest.raises(OmsError) as caught:
        open_ports(Settings(database_url=url))
    assert caught.value.code == "invalid_setting"
    assert told in caught.value.detail
    assert "OMS_DATABASE_URL" in caught.value.detail
    assert SECRET not in caught.value.detail
    assert "\n" not in caught.value.detail
