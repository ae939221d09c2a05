"""What the server remembers: SQLAlchemy tables in SQLite or PostgreSQL, and bytes on disk by hash.

Short synchronous transactions, called from routes by `server.threads.in_thread`. Every stored thing
belongs to an owner; one of another owner is "not found". Knows no HTTP but the errors' shape.
"""
