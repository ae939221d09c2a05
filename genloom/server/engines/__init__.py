"""Processes with models: started, watched, queued for and ended. Knows no route and no schema."""
