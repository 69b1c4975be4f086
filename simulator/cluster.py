"""The processes of a run: writes their configuration, starts and stops them, and reports it to the picture."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.engine import make_url
from yarl import URL

from node.config import NodeConfig
from simulator.application.programs import NodeNotUp, Programs
from simulator.balancers import OURS, make_balancer
from simulator.balancers.balancer import BALANCER, LoadBalancer, Place
from simulator.balancers.settings import JIRA_HEALTH, Health, Node
from simulator.config_files import as_yaml
from simulator.faults.fault import BALANCER_PATH, DATABASE_PATH
from simulator.faults.path.gate import LOOPBACK
from simulator.faults.path.paths import PATHS, Paths, to_database
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
    *("start_duration", "warm_up", "warm_up_delay", "stop_duration", "keep_alive"),
}
"""What a scenario says in the very words of the node's configuration."""
POSTGRES_PORT = 5432
_EXCEPTION = "java.lang.IllegalStateException: "
"""So Jira's log begins the line with the reason that a node could not start."""
STOP_GRACE_S = 15.0
"""A node that has not stopped by then, beyond the time it is told to take, is killed."""


@dataclass(frozen=True)
class DatabaseTarget:
    """Where the cluster keeps its state: a URL, and a schema of its own on PostgreSQL."""

    url: str
    namespace: str = ""


def health_of(scenario: Scenario) -> Health:
    """How the load balancer can tell that a node serves."""
    if scenario.node is None:
        return JIRA_HEALTH
    part = scenario.node.health
    draining = part.draining
    return Health(
        path=part.path,
        status=part.status,
        text=part.text,
        tells_state=False,
        drain_status=draining.status if draining else None,
        drain_text=draining.text if draining else "",
    )


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
        """``paths`` puts the path proxy on every path of the nodes although no step of the scenario needs it."""
        self.scenario = scenario
        self.folder = folder
        self.database = database
        self._supervisor = supervisor
        self._picture = picture
        self._seed = seed
        self._lb = lb
        self._with_paths = frozenset({BALANCER_PATH, DATABASE_PATH}) if paths else scenario.paths
        self._clock = clock or SystemClock()
        self._children: dict[str, Child] = {}
        self._ports: dict[str, ReservedPort] = {}
        self._programs = Programs(scenario.node, folder, supervisor) if scenario.node else None
        self._kept_ports: dict[str, ReservedPort] = {}
        """Those of a load balancer that was ended: whoever comes to it again looks for it there."""
        self.paths: Paths | None = None
        """The way to the path proxy, in a run that has one; from :meth:`start` on."""
        self.starts: Counter[str] = Counter()
        """How often each node was started."""
        self.start_changes: list[Callable[[str, str], Mapping[str, str]]] = []
        """Whoever has nodes start otherwise than the scenario says: asked at each start, with node and version."""

    @property
    def stop_patience_s(self) -> float:
        """How long a process may take to stop before it is killed."""
        node = self.scenario.node
        return node.stop.deadline if node else self.scenario.cluster.stop_duration + STOP_GRACE_S

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
        """Make the tables, the users and some issues; another application has none. Raises StartFailed."""
        if not self.scenario.of_jira:
            return
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
        """Start the load balancer and all nodes. Raises StartFailed or UsageError.

        Ours starts beside them: it sends nothing to a node that it has not checked. Others count a node in from the
        beginning, and one that does not listen yet as broken: they would say so just as the first users come.
        """
        for node_id in self.scenario.cluster.node_ids:
            self._ports[node_id] = ReservedPort()
            self._check_programs(node_id)
        if ways := self._ways():
            await self._start_paths(ways)
        self.balancer = make_balancer(self._lb, self._place())
        async with asyncio.TaskGroup() as starts:
            if self._lb == OURS:
                starts.create_task(self.start_balancer())
            for node_id in self.scenario.cluster.node_ids:
                starts.create_task(self.start_node(node_id, self.scenario.cluster.version))
        if self._lb != OURS:
            await self.start_balancer()

    def _check_programs(self, node_id: str) -> None:
        """Another application's programs have to be there for every version of the story. Raises UsageError."""
        for version in self.scenario.versions if self._programs else ():
            if self._programs:
                self._programs.check(node_id, version, self._ports[node_id])

    async def start_node(self, node_id: str, version: str) -> None:
        """Start a node with that version, as after an installation. Raises StartFailed.

        One of another application that is not up then is gone, and a roll sees it as one that could not start.
        """
        self.starts[node_id] += 1
        if self._programs:
            try:
                child = await self._programs.start(node_id, version, self._ports[node_id])
            except NodeNotUp as error:
                self._picture.process_not_up(node_id, version, error.reason)
                raise
        else:
            child, version = await self._start_of_jira(node_id, version)
        self._children[node_id] = child
        self._picture.process_started(
            node_id, pid=child.pid, url=self.node_url(node_id), version=version, log=f"logs/{child.log.name}"
        )

    async def _start_of_jira(self, node_id: str, version: str) -> tuple[Child, str]:
        """The process, and the version it was really given: a fault may have it another one."""
        home = self.folder.node_home(node_id)
        home.mkdir(exist_ok=True)
        log = self.folder.logs / f"{node_id}.log"
        config = home / "node.yaml"
        config.touch(mode=0o600)  # it has the database's password
        written = self._node_config(node_id, version)
        config.write_text(as_yaml(written), encoding="utf-8")
        arguments = ["node", "--config", str(config), "--exit-with-parent"]
        return await self._supervisor.start(node_id, arguments, log), written.version

    async def ask_for_drain(self, node_id: str) -> None:
        """Tell a node of another application that it is to ask for its drain. Raises AdminRequestFailed."""
        assert self._programs is not None  # noqa: S101 - Jira's nodes are asked by their administrator
        await self._programs.ask_for_drain(self._children[node_id], self._ports[node_id])

    async def stop_node(self, node_id: str) -> None:
        """Stop a node in an orderly way, and return when its process has ended."""
        child = self._children[node_id]
        if self._programs:
            self._picture.process_stopping(node_id, self._programs.part.stop.request or child.stop_signal.name)
            await self._programs.stop(child, self._ports[node_id])
        else:
            self._picture.process_stopping(node_id, child.stop_signal.name)
            await child.stop(within_s=self.stop_patience_s)

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

        The newest exception counts: a log goes on over restarts. Another application's last words do.
        """
        if self._programs:
            return self._picture.nodes[node_id].not_up
        with (self.folder.logs / f"{node_id}.log").open(encoding="utf-8", errors="replace") as log:
            told = [line.partition(_EXCEPTION)[2].strip() for line in log if line.startswith(_EXCEPTION)]
        return told[-1] if told else "its log does not say why"

    async def close(self) -> None:
        """Close the connections and give the reserved ports back; after the last process has ended."""
        if self.paths:
            await self.paths.close()
        if hasattr(self, "balancer"):
            await self.balancer.close()
        for port in (*self._ports.values(), *self._kept_ports.values()):
            port.close()

    @property
    def balancer_runs(self) -> bool:
        """Whether its process is there."""
        return self._balancer_child is not None

    @property
    def _balancer_child(self) -> Child | None:
        return next((child for child in self._supervisor.running if child.name == BALANCER), None)

    async def end_balancer(self, *, kill: bool) -> None:
        """Kill the load balancer, or stop it in order, and return when its process has ended."""
        child = self._balancer_child
        if child is None:
            return
        self._picture.process_stopping(BALANCER, "SIGKILL" if kill else child.stop_signal.name)
        if kill:
            child.kill()
            await child.ended.wait()
        else:
            await child.stop(within_s=STOP_GRACE_S)
        for url in map(URL, filter(None, (self.balancer.url, self.balancer.admin_url))):
            if str(url) not in self._kept_ports:
                self._kept_ports[str(url)] = ReservedPort(url.host or LOOPBACK, url.port or 0)

    async def start_balancer(self) -> None:
        """Start it, once more at the same port if it was ended. Raises StartFailed or UsageError."""
        started = await self.balancer.start()
        self._picture.process_started(BALANCER, pid=started.pid, url=started.url, version="", log=started.log)

    def _ways(self) -> list[str]:
        """Where the path proxy is to lead to, in a run that may harm what passes; SQLite has no path."""
        ways = []
        if BALANCER_PATH in self._with_paths:
            ways += [f"--to={name}={port.host}:{port.port}" for name, port in self._ports.items()]
        url = make_url(self.database.url)
        if DATABASE_PATH in self._with_paths and url.get_backend_name() == "postgresql" and url.host:
            ways += [f"--to-database={name}={url.host}:{url.port or POSTGRES_PORT}" for name in self._ports]
        return ways

    async def _start_paths(self, ways: list[str]) -> None:
        log = self.folder.logs / f"{PATHS}.log"
        health = f"--health={health_of(self.scenario).path}"
        child = await self._supervisor.start(
            PATHS, ["path-proxy", *ways, health, "--seed", str(self._seed), "--exit-with-parent"], log
        )
        self.paths = Paths(child.ready["url"], child.ready["ports"])
        self._picture.process_started(PATHS, pid=child.pid, url=self.paths.url, version="", log=f"logs/{log.name}")

    def _place(self) -> Place:
        return Place(
            part=self.scenario.balancer,
            nodes=tuple(
                Node(name, self.paths.ports.get(name, port.port) if self.paths else port.port, host=port.host)
                for name, port in self._ports.items()
            ),
            folder=self.folder,
            seed=self._seed,
            supervisor=self._supervisor,
            clock=self._clock,
            health=health_of(self.scenario),
        )

    def _database_url(self, node_id: str) -> str:
        """Where that node finds the database: at the beginning of its path, if it has one."""
        port = self.paths.ports.get(to_database(node_id)) if self.paths else None
        if port is None:
            return self.database.url
        url = make_url(self.database.url).set(host=LOOPBACK, port=port)
        return url.render_as_string(hide_password=False)

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
                "database": {"url": self._database_url(node_id), "namespace": self.database.namespace},
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
