"""Work that outlives a request: media in the making, batches, trainings. It survives the server.

`runner.py` is the one loop, `kinds.py` the one table of what can be run. Knows no route.
"""
