"""The processes of a run: writes their configuration, starts and stops them, and reports it to the picture."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from node.config import NodeConfig
from simulator.balancers import OURS, make_balancer
from simulator.balancers.balancer import BALANCER, LoadBalancer, Place
from simulator.balancers.settings import Node
from simulator.config_files import as_yaml
from simulator.faults.path.paths import PATHS, Paths
from simulator.picture import Picture
from simulator.ports import ReservedPort
from simulator.record.run_folder import RunFolder
from simulator.scenario.model import Scenario
from simulator.supervisor import Child, Supervisor
from zdu.clock import Clock, SystemClock
from zdu.durations import format_duration

SEED_ISSUES = 60
PASSWORD_COST = 10
"""log2 of scrypt's N: a rehearsal signs in some dozens of users within a second, on one core."""
NODE_KEYS = {
    *("time_scale", "intervals", "mixed_when", "node_upgrade_mode"),
    *("start_duration", "warm_up", "warm_up_delay", "stop_duration"),
}
"""What a scenario says in the very words of the node's configuration."""
_EXCEPTION = "java.lang.IllegalStateException: "
"""So Jira's log begins the line with the reason that a node could not start."""
STOP_GRACE_S = 15.0
"""A node that has not stopped by then, beyond the time it is told to take, is killed."""


@dataclass(frozen=True)
class DatabaseTarget:
    """Where the cluster keeps its state: a URL, and a schema of its own on PostgreSQL."""

    url: str
    namespace: str = ""


class Cluster:
    """The nodes and the load balancer of one run, as processes. ``balancer`` is there from :meth:`start` on."""

    balancer: LoadBalancer

    def __init__(
        self,
        scenario: Scenario,
        folder: RunFolder,
        database: DatabaseTarget,
        *,
        supervisor: Supervisor,
        picture: Picture,
        seed: int,
        lb: str = OURS,
        clock: Clock | None = None,
        paths: bool = False,
    ) -> None:
        """``paths`` puts the path proxy between load balancer and nodes although no step of the scenario needs it."""
        self.scenario = scenario
        self.folder = folder
        self.database = database
        self._supervisor = supervisor
        self._picture = picture
        self._seed = seed
        self._lb = lb
        self._with_paths = paths or scenario.needs_paths
        self._clock = clock or SystemClock()
        self._children: dict[str, Child] = {}
        self._ports: dict[str, ReservedPort] = {}
        self.paths: Paths | None = None
        """The way to the path proxy, in a run that has one; from :meth:`start` on."""
        self.starts: Counter[str] = Counter()
        """How often each node was started."""
        self.start_changes: list[Callable[[str, str], Mapping[str, str]]] = []
        """Whoever has nodes start otherwise than the scenario says: asked at each start, with node and version."""

    @property
    def balancer_url(self) -> str:
        """Where users go."""
        return self.balancer.url

    @property
    def balancer_admin_url(self) -> str:
        """Where the load balancer's operators go; empty if it has no page."""
        return self.balancer.admin_url

    @property
    def heartbeat_s(self) -> float:
        """How often each node writes its heartbeat."""
        part = self.scenario.cluster
        return part.intervals.heartbeat / part.time_scale

    def wall_ms(self) -> int:
        """The time of day, in milliseconds since the epoch."""
        return self._clock.wall_ms()

    def node_url(self, node_id: str) -> str:
        """The node's own address, past the load balancer."""
        port = self._ports[node_id]
        return f"http://{port.host}:{port.port}"

    async def set_up_database(self, *, users: int) -> None:
        """Make the tables, the users and some issues. Raises StartFailed with the reason."""
        namespace = ["--namespace", self.database.namespace] if self.database.namespace else []
        await self._supervisor.run_to_end(
            "database set-up",
            [
                *("db", "setup", "--url", self.database.url, *namespace),
                *("--version", self.scenario.cluster.version, "--users", str(users)),
                *("--issues", str(SEED_ISSUES), "--seed", str(self._seed), "--password-cost", str(PASSWORD_COST)),
            ],
            self.folder.logs / "db-setup.log",
        )

    async def start(self) -> None:
        """Start the load balancer and all nodes, side by side. Raises StartFailed or UsageError."""
        for node_id in self.scenario.cluster.node_ids:
            self._ports[node_id] = ReservedPort()
        if self._with_paths:
            await self._start_paths()
        self.balancer = make_balancer(self._lb, self._place())
        async with asyncio.TaskGroup() as starts:
            starts.create_task(self._start_balancer())
            for node_id in self.scenario.cluster.node_ids:
                starts.create_task(self.start_node(node_id, self.scenario.cluster.version))

    async def start_node(self, node_id: str, version: str) -> None:
        """Start a node with that version, as after an installation. Raises StartFailed."""
        self.starts[node_id] += 1
        home = self.folder.node_home(node_id)
        home.mkdir(exist_ok=True)
        log = self.folder.logs / f"{node_id}.log"
        config = home / "node.yaml"
        config.touch(mode=0o600)  # it has the database's password
        written = self._node_config(node_id, version)
        config.write_text(as_yaml(written), encoding="utf-8")
        child = await self._supervisor.start(node_id, ["node", "--config", str(config), "--exit-with-parent"], log)
        self._children[node_id] = child
        self._picture.process_started(
            node_id, pid=child.pid, url=self.node_url(node_id), version=written.version, log=f"logs/{log.name}"
        )

    async def stop_node(self, node_id: str) -> None:
        """Stop a node in an orderly way (SIGTERM), and return when its process has ended."""
        self._picture.process_stopping(node_id, "SIGTERM")
        await self._children[node_id].stop(within_s=self.scenario.cluster.stop_duration + STOP_GRACE_S)

    async def kill_node(self, node_id: str) -> None:
        """Kill a node (SIGKILL), as a power cut does, and return when its process has ended."""
        self._picture.process_stopping(node_id, "SIGKILL")
        self._children[node_id].kill()
        await self._children[node_id].ended.wait()

    def pause_node(self, node_id: str) -> None:
        """Let a node stand still (SIGSTOP): its port is open, and nobody answers."""
        self._children[node_id].pause()
        self._picture.process_paused(node_id, paused=True)

    def resume_node(self, node_id: str) -> None:
        """Let a paused node go on (SIGCONT)."""
        self._children[node_id].resume()
        self._picture.process_paused(node_id, paused=False)

    def why_not_started(self, node_id: str) -> str:
        """What the node's log gives as the reason that its application could not start, as an administrator reads it.

        The newest exception counts: a log goes on over restarts.
        """
        with (self.folder.logs / f"{node_id}.log").open(encoding="utf-8", errors="replace") as log:
            told = [line.partition(_EXCEPTION)[2].strip() for line in log if line.startswith(_EXCEPTION)]
        return told[-1] if told else "its log does not say why"

    async def close(self) -> None:
        """Close the connections and give the reserved ports back; after the last process has ended."""
        if self.paths:
            await self.paths.close()
        if hasattr(self, "balancer"):
            await self.balancer.close()
        for port in self._ports.values():
            port.close()

    async def _start_balancer(self) -> None:
        started = await self.balancer.start()
        self._picture.process_started(BALANCER, pid=started.pid, url=started.url, version="", log=started.log)

    async def _start_paths(self) -> None:
        """The process through which the load balancer reaches every node, in a run that may harm what passes."""
        log = self.folder.logs / f"{PATHS}.log"
        nodes = [f"--to={name}={port.host}:{port.port}" for name, port in self._ports.items()]
        child = await self._supervisor.start(
            PATHS, ["path-proxy", *nodes, "--seed", str(self._seed), "--exit-with-parent"], log
        )
        self.paths = Paths(child.ready["url"], child.ready["ports"])
        self._picture.process_started(PATHS, pid=child.pid, url=self.paths.url, version="", log=f"logs/{log.name}")

    def _place(self) -> Place:
        return Place(
            part=self.scenario.balancer,
            nodes=tuple(
                Node(name, self.paths.ports[name] if self.paths else port.port, host=port.host)
                for name, port in self._ports.items()
            ),
            folder=self.folder,
            seed=self._seed,
            supervisor=self._supervisor,
            clock=self._clock,
        )

    def _node_config(self, node_id: str, version: str) -> NodeConfig:
        port = self._ports[node_id]
        changes: dict[str, str] = {}
        for change in self.start_changes:
            changes |= change(node_id, version)
        return NodeConfig.model_validate(
            {
                "node_id": node_id,
                "version": version,
                "host": port.host,
                "port": port.port,
                "database": {"url": self.database.url, "namespace": self.database.namespace},
                "shared_home": self.folder.shared_home,
                "local_home": self.folder.node_home(node_id),
                "log_file": self.folder.logs / f"{node_id}.log",
                "password_cost": PASSWORD_COST,
                "sessions": {
                    "kept_in": "database" if self.scenario.sessions == "shared" else "memory",
                    "idle_timeout": format_duration(self.scenario.cluster.session_timeout),
                },
                **self.scenario.cluster.model_dump(mode="json", include=NODE_KEYS),
                **changes,
            }
        )
