"""The HTTP interface: OpenAI's shape for every medium. No torch in this process: models live in
processes of their own (genloom.hosting), reached by frames."""
