"""Every defence taken out, one at a time: `make mutants` runs them."""

from __future__ import annotations

from tests.security.mutation import Mutation
from tests.security.mutations.authentication import AUTHENTICATION
from tests.security.mutations.authorisation import AUTHORISATION
from tests.security.mutations.edge import EDGE
from tests.security.mutations.input import INPUT
from tests.security.mutations.leaks import LEAKS
from tests.security.mutations.limits import LIMITS
from tests.security.mutations.ownership import OWNERS

MUTATIONS: tuple[Mutation, ...] = (*AUTHENTICATION, *AUTHORISATION, *EDGE, *INPUT, *LEAKS, *LIMITS, *OWNERS)
