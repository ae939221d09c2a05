"""Data sets: files that came in one upload, or a folder of this machine, and what is in them."""
