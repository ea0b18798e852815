"""What keeps a database from being written to, remembered from the last work that met it."""

from __future__ import annotations

import time
from collections.abc import Callable

from oms_core.errors import OmsError

# Longer than load balancers take between two looks; then some work has to show whether it is over.
HOLDS_SECONDS = 30.0


class LastingFault:
    """The last fault that further work would meet as well, until work is written or half a minute has passed.

    Thread-safe: what is kept is replaced whole.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._met: tuple[OmsError, float] | None = None

    def met(self, error: OmsError) -> None:
        """Remember what work has met."""
        self._met = error, self._clock()

    def over(self) -> None:
        """Forget it: work has been written."""
        if self._met is not None:
            self._met = None

    def check(self) -> None:
        """Raise it while it may last."""
        met = self._met
        if met is not None and self._clock() < met[1] + HOLDS_SECONDS:
            error = met[0]
            raise OmsError(error.code, error.detail, retry_after_seconds=error.retry_after_seconds)
