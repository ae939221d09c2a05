"""`python -m genloom`, the same as the command `genloom`: what torchrun starts. Knows nothing."""

from __future__ import annotations

from genloom.cli import main

main()
