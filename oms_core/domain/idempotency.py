"""The idempotency of a command: what its key is, and what tells that it stands for another one."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.errors import OmsError

OWN_KEY_BITS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """Unique per actor; `fingerprint` is the SHA-256 of the command."""

    actor: str
    key: str
    fingerprint: bytes

    def check(self, stored: bytes) -> None:
        """Raise `idempotency_key_reused` unless the stored fingerprint is that of this command."""
        if stored != self.fingerprint:
            raise OmsError("idempotency_key_reused", "this idempotency key was used for another command")


def own_key(actor: str, *, random_bits: int) -> IdempotencyKey:
    """Return a key to a command that brings none, so that a COMMIT whose answer was lost is not made twice.

    Nobody ever repeats it with another command, so it needs no fingerprint.
    """
    return IdempotencyKey(actor=actor, key=f"once:{random_bits:032x}", fingerprint=b"")
