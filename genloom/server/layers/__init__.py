"""What every request passes through before any route sees it, outermost first: answering, the
gate, audit, receiving, idempotency. Plain ASGI; each knows its own rule and no route."""
