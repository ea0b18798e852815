"""What Redis runs for a charge, and for units that come back: one script each, which also reads what is left.

The windows are moved and counted by the scripts of the package limits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from limits.storage import RedisStorage


@dataclass(frozen=True, slots=True)
class Script:
    """A script in Lua, and the hash by which a server knows it once it has run it."""

    text: str

    @property
    def sha(self) -> str:
        """The hash."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def _charging(act: str) -> Script:
    """Return a script of two keys, the previous window's counter and the current one's.

    Its arguments are the limit's count, its seconds and the cost. It returns whether `act` allowed it, and both
    counters with their times to live. Written together, they are one command to one node: a cluster has no pipeline
    over all its nodes.
    """
    return Script(
        f"""
local function act(KEYS, ARGV)
{act}
end
local function read(KEYS, ARGV)
{_text(RedisStorage.SCRIPT_SLIDING_WINDOW)}
end
local allowed = act(KEYS, ARGV)
local window = read(KEYS, {{ARGV[2]}})
return {{allowed and 1 or 0, window[1], window[2], window[3], window[4]}}
"""
    )


def _text(packaged: bytes) -> str:
    return packaged.decode()


TAKE = _charging(_text(RedisStorage.SCRIPT_ACQUIRE_SLIDING_WINDOW))

# Subtracts units from the counter of the current window, then from the one before, down to 0.
GIVE_BACK = _charging("""
local rest = tonumber(ARGV[3])
for _, key in ipairs({KEYS[2], KEYS[1]}) do
    local units = math.min(rest, tonumber(redis.call('get', key)) or 0)
    if units > 0 then
        redis.call('decrby', key, units)
        rest = rest - units
    end
end
return true
""")
