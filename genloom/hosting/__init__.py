"""The process in which a model lives: it hears requests by frames, steps one engine, tells news.

Knows models, engines and records of assets; no HTTP, key or queue of clients.
"""
