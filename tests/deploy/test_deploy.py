"""What stands in deploy/ fits the program: flags, paths, numbers, times. Nothing is deployed."""

from __future__ import annotations

import asyncio
import configparser
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from genloom.server.app import ROUTES
from genloom.server.engines.process import CLOSING
from genloom.server.engines.supervisor import Supervisor
from genloom.server.life import Life
from genloom.server.measures import Measures
from genloom.server.serving import LINGER

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PINNED = (ROOT / "tests" / "cli_flags.txt").read_text("utf-8").splitlines()
AFTER_DRAIN = LINGER + 2 * CLOSING  # seconds in which a server ends once its drain is over


def flags_of(command: str) -> set[str]:
    return next(set(line.split()) for line in PINNED if line.startswith(f"{command} "))


def check_command(words: list[str]) -> dict[str, str]:
    """The values of a command's flags, each of which the command must have."""
    count = 2 if words[0] == "keys" else 1
    known, found = flags_of(" ".join(words[:count])), {}
    rest = iter(words[count:])
    for word in rest:
        name, is_value, value = word.partition("=")
        if name.startswith("-"):
            assert name in known, f"{' '.join(words[:count])} has no {name}"
            found[name] = value if is_value else "" if name == "--json" else next(rest)
    return found


# --- systemd --------------------------------------------------------------------------------------


def unit() -> configparser.ConfigParser:
    made = configparser.ConfigParser(interpolation=None)
    made.optionxform = str  # type: ignore[assignment,method-assign]
    made.read_string((DEPLOY / "genloom.service").read_text("utf-8"))
    return made


def test_the_unit_starts_what_there_is() -> None:
    program, *words = shlex.split(unit()["Service"]["ExecStart"])
    assert Path(program).name == "genloom"
    flags = check_command(words)
    assert flags["--host"] == "127.0.0.1"
    assert Path(flags["--home"]).name == unit()["Service"]["StateDirectory"]


def test_the_unit_lets_a_drain_end() -> None:
    service = unit()["Service"]
    flags = check_command(shlex.split(service["ExecStart"])[1:])
    assert float(service["TimeoutStopSec"]) >= float(flags["--drain-seconds"]) + AFTER_DRAIN
    assert service["KillMode"] == "mixed"  # a SIGTERM to hosts would end them before the drain
    assert service["KillSignal"] == "SIGTERM"


def test_the_unit_is_confined() -> None:
    service = unit()["Service"]
    for key in ("DynamicUser", "PrivateTmp", "ProtectHome", "NoNewPrivileges", "RestrictSUIDSGID"):
        assert service[key] == "yes", key
    assert service["ProtectSystem"] == "strict" and service["CapabilityBoundingSet"] == ""
    assert "MemoryDenyWriteExecute" not in service  # torch makes kernels at run time


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_knows_every_line(tmp_path: Path) -> None:
    text = (DEPLOY / "genloom.service").read_text("utf-8")
    copy = tmp_path / "genloom.service"
    copy.write_text(text.replace("/opt/genloom/bin/genloom", "/bin/true"), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60
    )
    wrong = [line for line in done.stderr.splitlines() if "genloom.service" in line]
    assert wrong == []


# --- Docker ---------------------------------------------------------------------------------------


def steps() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with their arguments, lines joined."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    lines = re.sub(r"\\\n", " ", plain).splitlines()
    return [(w, " ".join(rest.split())) for w, _, rest in (x.partition(" ") for x in lines) if w]


def one(instruction: str) -> str:
    """The last of its kind, which is the final image's."""
    return [rest for word, rest in steps() if word == instruction][-1]


def test_the_image_starts_what_there_is() -> None:
    words = [*json.loads(one("ENTRYPOINT")), *json.loads(one("CMD"))]
    assert words[0] == "genloom"
    flags = check_command(words[1:])
    assert flags["--port"] == one("EXPOSE") and flags["--host"] == "0.0.0.0"
    assert one("STOPSIGNAL") == "SIGTERM"


def test_the_image_runs_as_nobody_in_particular_and_is_looked_after() -> None:
    assert int(one("USER").split(":")[0]) > 0
    port = one("EXPOSE")
    assert f'"http://127.0.0.1:{port}/health"' in one("HEALTHCHECK")
    home = re.search(r"GENLOOM_HOME=(\S+)", one("ENV"))
    assert home is not None and home[1] in json.loads(one("VOLUME"))
    assert "HF_HUB_OFFLINE=1" in one("ENV")


def test_the_image_is_made_of_what_is_there_and_pinned() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split("\n")
    kept = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    for word, rest in steps():
        if word in ("RUN", "ADD"):
            assert "http" not in rest, rest  # but for the index of torch, an argument
        if word == "COPY" and "--from" not in rest:
            for name in [part for part in rest.split() if not part.startswith("--")][:-1]:
                assert (ROOT / name).exists(), name
                assert any(fnmatch(name, pattern) for pattern in kept), f"{name} is ignored"
    assert any("PIP_CONSTRAINT=/src/constraints.txt" in rest for word, rest in steps())
    assert {rest.split()[0] for word, rest in steps() if word == "FROM"} == {"python:3.11-slim"}
    extras = re.search(r'"\.\[(.+?)\]"', " ".join(rest for _, rest in steps()))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert extras is not None
    assert set(extras[1].split(",")) <= set(project["optional-dependencies"])


# --- Kubernetes -----------------------------------------------------------------------------------


def objects() -> dict[str, Any]:
    text = (DEPLOY / "kubernetes" / "genloom.yaml").read_text("utf-8")
    return {made["kind"]: made for made in yaml.safe_load_all(text)}


def pod() -> dict[str, Any]:
    return objects()["Deployment"]["spec"]["template"]["spec"]


def test_the_deployment_starts_what_there_is() -> None:
    (container,) = pod()["containers"]
    flags = check_command(container["args"])
    assert {"name": "http", "containerPort": int(flags["--port"])} in container["ports"]
    (making,) = pod()["initContainers"]
    command = re.search(r"genloom (keys create .*?) >", making["args"][0])
    assert command is not None
    assert check_command(command[1].split()) == {"--scope": "metrics"}


def test_the_deployment_lets_a_drain_end() -> None:
    (container,) = pod()["containers"]
    before = float(container["lifecycle"]["preStop"]["exec"]["command"][1])
    drain = float(check_command(container["args"])["--drain-seconds"])
    assert pod()["terminationGracePeriodSeconds"] >= before + drain + AFTER_DRAIN


def test_probes_ask_what_there_is() -> None:
    paths = {route.path for router in ROUTES for route in router.routes}  # type: ignore[attr-defined]
    (container,) = pod()["containers"]
    asked = [container[k]["httpGet"]["path"] for k in ("startupProbe", "livenessProbe")]
    program, url, key = container["readinessProbe"]["exec"]["command"]
    assert asked == ["/health"] * 2 and url.endswith(":8000/ready")
    assert {"/health", "/ready", "/metrics"} <= paths
    assert f"/usr/local/bin/{program}" in " ".join(rest for _, rest in steps())
    assert key in pod()["initContainers"][0]["args"][0]


def test_names_lead_to_each_other() -> None:
    found = objects()
    assert set(found) == {"PersistentVolumeClaim", "Service", "Deployment"}
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"] == labels
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    claims = [v.get("persistentVolumeClaim", {}).get("claimName") for v in pod()["volumes"]]
    assert found["PersistentVolumeClaim"]["metadata"]["name"] in claims
    there = {volume["name"] for volume in pod()["volumes"]}
    for container in (*pod()["containers"], *pod()["initContainers"]):
        assert {mount["name"] for mount in container["volumeMounts"]} == there
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    user = int(one("USER").split(":")[0])
    assert pod()["securityContext"]["runAsUser"] == user == pod()["securityContext"]["fsGroup"]


# --- numbers --------------------------------------------------------------------------------------


def known_numbers() -> set[str]:
    """The names in /metrics of a server that has served nothing yet."""

    async def read() -> str:
        supervisor, measures = Supervisor(), Measures(Life())
        measures.watch(supervisor)
        text = measures.text().decode()
        await supervisor.close()
        return text

    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", asyncio.run(read()), re.MULTILINE):
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found |= {name + end for end in ends}
    return found


def expressions() -> Iterator[str]:
    board = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]


def test_the_board_shows_numbers_that_there_are() -> None:
    known, shown = known_numbers(), set()
    for text in expressions():
        names = set(re.findall(r"\b(?:genloom|process)_\w+", text))
        assert names and names <= known, f"{text}: {names - known}"
        shown |= names
    missing = {name for name in known if name.startswith("genloom") and name.endswith("_total")}
    assert missing <= shown  # no count is left out


def test_the_board_is_laid_out() -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text("utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) > 15
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
        for target in panel.get("targets", ()):
            assert target["expr"].count("(") == target["expr"].count(")")


def test_prometheus_reads_them_where_they_are() -> None:
    (job,) = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    paths = {route.path for router in ROUTES for route in router.routes}  # type: ignore[attr-defined]
    assert job["metrics_path"] in paths
    assert job["authorization"]["type"] == "Bearer" and "credentials_file" in job["authorization"]
