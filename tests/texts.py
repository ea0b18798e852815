"""Texts by name: what is kept as it was written, what is refused everywhere, and what identifies nothing."""

from __future__ import annotations

from collections.abc import Mapping

# Texts that no field takes, whatever its length.
BAD_PROSE: Mapping[str, str] = {
    "NUL": "A\x00B",
    "a control character": "A\x07B",
    "an escape sequence": "\x1b[2J",
    "a delete": "A\x7f",
    "a control character of 8 bits": "A\x9bB",
    "a lone high surrogate": "A\ud800",
    "a lone low surrogate": "\udc00A",
}

# Texts that are kept as they were written where people read them.
GOOD_PROSE: Mapping[str, str] = {
    "Persian with a zero-width non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Hindi with a zero-width joiner": "\u0915\u094d\u200d\u0937",
    "an emoji family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "an emoji with a variation selector": "\u2764\ufe0f",
    "the flag of Wales": "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    "a soft hyphen": "Donau\u00addampf",
    "line breaks and tabs": "Dear A,\r\n\thappy birthday!\n\rB\u2028C",
    "Hebrew with marks of direction": "\u200f\u05e9\u05dc\u05d5\u05dd\u200e 5",
    "decomposed letters": "Cafe\u0301",
    "spaces at its ends": "  a\u00a0",
    "a byte order mark": "\ufeffA",
    "a formula": "=1+1",
    "a tab first": "\tA",
    "what CSV, JSON, SQL and COPY escape": "\\.\\N\\t\"'{},;%s\t\\",
    "nothing but line breaks": "\n\n",
}

# Texts that identify nothing, whatever their length: another text would look the same.
BAD_TEXTS: Mapping[str, str] = {
    **BAD_PROSE,
    "a line feed": "A\nB",
    "a tab": "A\tB",
    "a zero-width space": "A\u200bB",
    "a zero-width joiner": "A\u200dB",
    "a soft hyphen": "A\u00adB",
    "a byte order mark": "\ufeffAB",
    "a right-to-left override": "A\u202eB",
    "a line separator": "A\u2028B",
    "a variation selector": "A\ufe0fB",
    "a variation selector of the supplement": "A\U000e0100",
    "a combining grapheme joiner": "A\u034fB",
    "a Hangul filler": "A\u3164B",
    "a halfwidth Hangul filler": "\uffa0",
    "a blank Braille pattern": "A\u2800B",
    "a tag character": "A\U000e0041",
    "a no-break space": "A\u00a0B",
    "an ideographic space": "A\u3000B",
    "a space before": " A",
    "a space after": "A ",
    "only spaces": "   ",
}

# Texts that are no SKU and no location.
BAD_NAMES: Mapping[str, str] = {
    **BAD_TEXTS,
    "nothing": "",
    "a dot": ".",
    "two dots": "..",
    "a slash": "A/B",
    "U+FFFD": "A\ufffd",
    "65 characters": "A" * 65,
    "a decomposed letter (NFD)": "Cafe\u0301",
}
