"""How long Hypothesis tries: briefly among the other tests, and as long as `make fuzz` says."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES_VARIABLE = "OMS_TEST_FUZZ_EXAMPLES"
_EXAMPLES = int(os.environ.get(EXAMPLES_VARIABLE, "100"))

# Short runs try the same each time, so that nobody's change is blamed for another's luck.
THOROUGH = settings(
    max_examples=_EXAMPLES,
    derandomize=EXAMPLES_VARIABLE not in os.environ,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
