"""Another program at the records of a server at work: `genloom keys` beside `genloom serve`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from programs import program

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


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_response_in_the_background_survives_kill_9(
    home: Path, models: tuple[str, ...], tmp_path: Path
) -> None:
    """The next server makes it by itself, whether or not somebody asks for it."""
    body = {"model": "natter", "input": "say a", "seed": 7, "ignore_eos": True}
    body |= {"max_output_tokens": 200}
    with program(home, tmp_path, "natter") as it:
        whole = it.ask("POST", "/v1/responses", body).json
        made = [it.ask("POST", "/v1/responses", {**body, "background": True}) for _ in range(8)]
        assert all(one.json["status"] == "queued" for one in made)
        it.process.kill()
        it.ended()
    with program(home, tmp_path, "natter") as it:
        for one in made:
            at = f"/v1/responses/{one.json['id']}"
            it.until(lambda at=at: it.ask("GET", at).json["status"] == "incomplete", 120)
            found = it.ask("GET", at).json
            assert found["output"][0]["content"] == whole["output"][0]["content"]
