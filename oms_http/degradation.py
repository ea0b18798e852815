"""What may be away without stopping the service: /readyz names it, and stays ready."""

from __future__ import annotations

from collections.abc import Callable

from oms_core.oms import Oms

# Each answers within a fraction of a second, and never raises.
_CHECKS: tuple[tuple[str, Callable[[Oms], bool]], ...] = (("rate_limiter", lambda oms: oms.rate_limiter.is_degraded()),)


def degraded_parts(oms: Oms) -> list[str]:
    """Name what is away now."""
    return [name for name, is_degraded in _CHECKS if is_degraded(oms)]
