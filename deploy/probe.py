#!/usr/bin/env python3
"""Whether an address answers with 200: exit code 0, else 1 and one line that says why.

Usage: probe.py URL [FILE]. FILE holds an API key. Needs the standard library alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

SECONDS = 4.0


def probe(url: str, key: str = "") -> str:
    """What is wrong; nothing where all is well. No proxy is asked."""
    asked = Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with build_opener(ProxyHandler({})).open(asked, timeout=SECONDS) as answer:
            return "" if answer.status == 200 else f"{answer.status}"
    except HTTPError as error:
        return f"{error.code} {error.read(500).decode('utf-8', 'replace')}"
    except (URLError, OSError, ValueError) as error:
        return f"no answer: {error}"


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print("usage: probe.py URL [FILE WITH A KEY]", file=sys.stderr)
        return 2
    try:
        key = Path(sys.argv[2]).read_text("ascii").strip() if len(sys.argv) == 3 else ""
    except (OSError, UnicodeDecodeError) as error:
        print(f"no key: {error}", file=sys.stderr)
        return 1
    wrong = probe(sys.argv[1], key)
    if wrong:
        print(f"{sys.argv[1]}: {wrong}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
