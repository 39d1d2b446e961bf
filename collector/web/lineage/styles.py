"""Style sheets for a file that is taken away: no variables, which many programs that show SVG do not know."""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(r"--([\w-]+):\s*([^;]+);")
_LIGHT: Final = re.compile(r"light-dark\(\s*([^,]+?)\s*,[^)]*\)")
_USED: Final = re.compile(r"var\(--([\w-]+)\)")
_AT_RULE: Final = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)

ICONS: Final = """
.o, .w, .k { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.s { fill: currentColor; }
.k { stroke: #ffffff; stroke-width: 1.8; }
.dash { stroke-dasharray: 2.5 2.5; }
"""
"""How the parts of icons are drawn; the page has the same in ``page.css``."""


def standalone(tokens: str, *sheets: str) -> str:
    """Give style sheets with the light values of the tokens in the place of variables, and without conditions."""
    known = dict(_TOKEN.findall(_LIGHT.sub(r"\1", tokens)))

    def value(name: str) -> str:
        return _USED.sub(lambda found: value(found[1]), known.get(name, "currentColor"))

    rules = [line for line in tokens.splitlines() if line.startswith(".s-")]
    joined = _COMMENT.sub("", "\n".join([*rules, ICONS, *sheets]))
    return _USED.sub(lambda found: value(found[1]), _AT_RULE.sub("", joined))
