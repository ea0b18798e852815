"""Which characters text may have: an identifier none that are invisible or ambiguous, prose nearly all."""

from __future__ import annotations

import re

# Category Cc (controls) and Cs (surrogates) of the Unicode Character Database.
_CONTROLS = "\x00-\x1f\x7f-\x9f"
_SURROGATES = "\ud800-\udfff"
# These are drawn as nothing: categories Cf (format, joiners and zero-width spaces among them), Zl and Zp, all that are
# Default_Ignorable_Code_Point (variation selectors, fillers of Hangul, ...), and three more whose glyph is blank.
_INVISIBLE = (
    "\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
# They look like the space U+0020: the rest of category Zs.
_OTHER_SPACES = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"

NOT_IN_IDENTIFIERS = _CONTROLS + _OTHER_SPACES + _INVISIBLE
NOT_IN_PROSE = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"

# Nearly every identifier is, and needs no search.
_is_visible_ascii = re.compile("[!-~]+").fullmatch
_find_in_identifier = re.compile(f"[{NOT_IN_IDENTIFIERS}{_SURROGATES}]").search
_find_in_prose = re.compile(f"[{NOT_IN_PROSE}{_SURROGATES}]").search


def identifier_fault(text: str) -> str | None:
    """Return why a text cannot be an identifier, or None.

    An identifier has no character by which two texts could differ and look the same.
    """
    if _is_visible_ascii(text):
        return None
    if found := _find_in_identifier(text):
        return f"must not contain {_code_point(found[0])}, which cannot be seen or told from another character"
    if text != text.strip(" "):
        return "must not begin or end with a space"
    return None


def prose_fault(text: str) -> str | None:
    """Return why a text cannot be stored as it was written, or None.

    Surrogates are refused, and controls but tab and line ends.
    """
    if text.isprintable():
        return None
    if found := _find_in_prose(text):
        return f"must not contain {_code_point(found[0])}, a control character or half of a surrogate pair"
    return None


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"
