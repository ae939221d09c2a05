"""`genloom studio`: it starts, says where it is, opens a browser there, and Ctrl-C ends it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from http_client import ask

from genloom.errors import ResourceError
from genloom.studio import pages

STUDIO = (sys.executable, "-m", "genloom", "studio", "--port", "0")


def test_it_opens_what_it_says_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    if not pages.built():
        pytest.skip("the studio's page was not built: there was no Node.js and npm")
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.tmp\nmv {opened}.tmp {opened}\n', "ascii")
    browser.chmod(0o755)
    env = {**os.environ, "BROWSER": f"{browser} %s", "GENLOOM_HOME": str(tmp_path / "home")}
    with subprocess.Popen([*STUDIO], env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            told = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert told is not None and "Ctrl-C" in line
            while not opened.exists():
                time.sleep(0.05)
            assert opened.read_text().strip() == told[0]
            assert b"<title>Genloom</title>" in ask(told[0], "GET", "/").body
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_an_installation_without_the_page_says_why(tmp_path: Path) -> None:
    assert not pages.built(tmp_path)
    with pytest.raises(ResourceError, match=r"no studio, for want of Node\.js and npm"):
        pages.pages(tmp_path)
