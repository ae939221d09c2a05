"""What tries are worth: rewards that can be checked, and those of the user's own."""
