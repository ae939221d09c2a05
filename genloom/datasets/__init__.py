"""Data sets before anything learns from them: which medium, what is in them, what can learn it."""
