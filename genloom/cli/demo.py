"""`genloom demo`: words around `genloom.demo`."""
