"""Load on a server that speaks OpenAI's shape, anyone's: arrivals, streams timed, figures.

Knows HTTP and clocks; nothing of our server, of models or of the screen.
"""
