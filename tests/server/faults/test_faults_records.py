"""Another program at the records of a server at work: `genloom keys` beside `genloom serve`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from genloom.server.records.database import open_database

OTHER = """
import sys
from pathlib import Path
from genloom.server.records.database import open_database
open_database(Path(sys.argv[1])).close()
"""


def test_a_program_that_ends_takes_no_log_away_from_who_still_writes(tmp_path: Path) -> None:
    """Whoever closes a file loses all of a process's locks on it, those of others' connections
    too; the next program would then believe itself alone, and delete the log under our hands."""
    file = tmp_path / "records.db"
    ours = open_database(file)
    with ours.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (n INTEGER)")
    open_database(file).close()  # a second look from this process, as at a server's start
    done = subprocess.run([sys.executable, "-c", OTHER, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert file.with_name("records.db-wal").exists()
    with ours.writing() as connection:
        connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
    again = open_database(file)
    with again.reading() as connection:
        assert connection.exec_driver_sql("SELECT n FROM kept").scalar_one() == 1
    again.close()
    ours.close()
