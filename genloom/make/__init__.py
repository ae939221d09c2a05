"""Things that are made of several models' items: pipelines over the public interface.

Each is a short file that a reader may copy and change; nothing below knows any of them.
"""
