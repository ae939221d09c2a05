"""The studio: a page in the browser that trains, prompts, generates, compares and checks."""
