"""What every HTML page or snippet we build shares: data that cannot end its script, and a policy without network."""

from __future__ import annotations

import json
from typing import Any

# No request leaves the page: inline scripts and styles, pictures made in the page, scripts of the same server.
CONTENT_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:\">"
)


def script_json(value: Any) -> str:
    """JSON to stand inside a ``<script>`` element: nothing in it can close the element or break a line of code."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def inline_script(source: str) -> str:
    """A library's source to stand inside a ``<script>`` element, without its pointer to a source map."""
    code = "\n".join(line for line in source.splitlines() if not line.startswith("//# sourceMappingURL"))
    return code.replace("</script", "<\\/script")
