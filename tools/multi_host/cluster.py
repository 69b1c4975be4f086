"""A cluster whose processes are on different hosts, each started by the very command an administrator would type."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.multi_host.hosts import Hosts

PORT = 8080
ADMIN_PORT = 8081
LB_TOKEN = "rehearsal-only-token"  # noqa: S105 - for these hosts, which nobody else can reach
STOP_WITHIN_S = 30.0
START_WITHIN_S = 60.0

_NODE = """\
node_id: ${NODE_ID}
version: ${NODE_VERSION}
host: ${NODE_HOST}
port: 8080
database:
  url: ${ZDU_DATABASE_URL}
  statement_timeout: 3s
shared_home: ${SHARED_HOME}
local_home: ${LOCAL_HOME}
time_scale: 60
"""
"""One file for all nodes, as in deploy/; what differs is in the environment."""

_LB = """\
host: {lb}
port: 8080
admin_host: {lb}
admin_port: 8081
admin_token: ${{ZDU_LB_TOKEN}}
nodes:
{nodes}
health:
  inter: 500ms
drain:
  deadline: 1s
"""


class NotStarted(Exception):
    """A process did not come up; the message has what it said last."""


@dataclass
class Cluster:
    """The processes by name; files and logs in ``folder``."""

    hosts: Hosts
    nodes: Sequence[str]
    folder: Path
    database_url: str
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def url(self, node: str) -> str:
        """Where the node is, past the load balancer."""
        return f"http://{self.hosts.address(node)}:{PORT}"

    @property
    def users_url(self) -> str:
        """Where users go."""
        return f"http://{self.hosts.address('lb')}:{PORT}"

    @property
    def admin_url(self) -> str:
        """The load balancer's admin port."""
        return f"http://{self.hosts.address('lb')}:{ADMIN_PORT}"

    def set_up(self, version: str) -> None:
        """Make tables, people and issues, from a node's host."""
        self.run_to_end(self.nodes[0], ["db", "setup", "--version", version], {"ZDU_DATABASE_URL": self.database_url})

    def start_lb(self) -> None:
        """Start the load balancer on its host."""
        nodes = "\n".join(
            f"  - {{name: {node}, host: {self.hosts.address(node)}, port: {PORT}}}" for node in self.nodes
        )
        file = self.folder / "lb.yaml"
        file.write_text(_LB.format(lb=self.hosts.address("lb"), nodes=nodes), encoding="utf-8")
        self._start("lb", ["lb", "--config", str(file)], {"ZDU_LB_TOKEN": LB_TOKEN})

    def start_node(self, node: str, version: str) -> None:
        """Start a node with that version on its host."""
        file = self.folder / "node.yaml"
        file.write_text(_NODE, encoding="utf-8")
        self._start(
            node,
            ["node", "--config", str(file)],
            {
                "NODE_ID": node,
                "NODE_VERSION": version,
                "NODE_HOST": self.hosts.address(node),
                "ZDU_DATABASE_URL": self.database_url,
                "SHARED_HOME": str(self.folder / "shared"),
                "LOCAL_HOME": str(self.folder / node),
            },
        )

    def stop(self, name: str) -> int:
        """Stop a process in an orderly way; its exit code."""
        process = self.running.pop(name)
        process.terminate()
        try:
            return process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def stop_all(self) -> None:
        """Stop what runs, the load balancer first."""
        for name in sorted(self.running, key=lambda name: name != "lb"):
            self.stop(name)

    def drain(self, node: str) -> None:
        """Take a node out of the load balancer, and wait until nothing goes there any more."""
        self.run_to_end("client", ["lb", "state", node, "drain", "--wait"], self._to_lb)

    def ready(self, node: str) -> None:
        """Let it take its share again, and wait until it does."""
        self.run_to_end("client", ["lb", "state", node, "ready", "--wait"], self._to_lb)

    def run_to_end(self, host: str, words: Sequence[str], variables: Mapping[str, str]) -> str:
        """One of zdu's commands on ``host``; what it printed. Raises NotStarted if it failed."""
        done = subprocess.run(
            self._command(host, words),
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=START_WITHIN_S,
        )
        if done.returncode:
            raise NotStarted(f"zdu {' '.join(words)} on {host}: {done.stderr.strip()}")
        return done.stdout

    @property
    def _to_lb(self) -> dict[str, str]:
        return {"ZDU_LB_ADMIN": self.admin_url, "ZDU_LB_TOKEN": LB_TOKEN}

    def _command(self, host: str, words: Sequence[str]) -> list[str]:
        return [*self.hosts.command(host), sys.executable, "-P", "-m", "zdu", *words]

    def _start(self, name: str, words: Sequence[str], variables: Mapping[str, str]) -> None:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            # Standard input is a pipe that closes when this process ends, however it ends: no orphan is left.
            process = subprocess.Popen(
                self._command(name, [*words, "--exit-with-parent"]),
                env={**os.environ, **variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        self.running[name] = process
        line = process.stdout.readline() if process.stdout else b""
        try:
            ready = json.loads(line)["ready"]
        except (ValueError, KeyError):
            ready = False
        if not ready:
            raise NotStarted(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}")
