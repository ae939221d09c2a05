"""The search for items that score well: propose, score, learn, repeat, within a budget."""
