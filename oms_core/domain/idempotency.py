"""The idempotency of a command: its key, and the check that a repeated key comes with the same command."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.errors import OmsError

OWN_KEY_BITS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """Unique per actor; `fingerprint` is the SHA-256 of the command, None for a key of the service's own.

    `act` says what is done under it, in one word: retry, ship, set, adjust, receive, transfer.
    """

    actor: str
    key: str
    act: str
    fingerprint: bytes | None

    def check(self, stored: bytes | None) -> None:
        """Raise `idempotency_key_reused` unless the stored fingerprint is that of this command."""
        if stored != self.fingerprint:
            raise OmsError("idempotency_key_reused", "this idempotency key was used for another command")


def own_key(actor: str, act: str, *, random_bits: int) -> IdempotencyKey:
    """Return a key for a command that has none, so that it is not done twice when the answer to its COMMIT is lost.

    Nobody else ever uses the key, so it needs no fingerprint, and may be deleted after a day.
    """
    return IdempotencyKey(actor=actor, key=f"once:{random_bits:032x}", act=act, fingerprint=None)
