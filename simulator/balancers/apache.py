"""Apache httpd: drained and watched through its balancer-manager, as a person does it in a browser."""

import re
from collections.abc import Iterable, Iterator, Mapping
from xml.etree import ElementTree as ET

import aiohttp

from simulator.balancers.apache_config import MANAGER, configuration, read_line
from simulator.balancers.balancer import BalancerFailed, Place
from simulator.balancers.foreign import ForeignBalancer
from simulator.balancers.looks import Look
from simulator.balancers.programs import program
from simulator.balancers.settings import BACKEND, Admin, Logged

_XML = "{http://httpd.apache.org}"
_NONCE = re.compile(r"nonce=([0-9a-f-]{36})")
_OUT = {"Dis", "Stop", "Err", "HcFl", "Fail"}
"""Words of a worker's status with which it gets nothing: disabled, stopped, in error, failed its health check."""


class Apache(ForeignBalancer):
    """Debian's ``apache2`` with Atlassian's configuration: ``ROUTEID``, mod_proxy_balancer, mod_proxy_hcheck."""

    title = "Apache"
    untold = (
        "Apache's log names the last node of each request only, and when the request came: an attempt before it is "
        "not ruled out"
    )
    tells_retries = False

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.admin_url = f"http://127.0.0.1:{self._setup.admin_port}{MANAGER}"
        self._http: aiohttp.ClientSession | None = None
        self._nonce = ""

    def command(self) -> list[str]:
        """In the foreground; nothing of the system's own configuration is read."""
        self._nonce = ""  # that of an earlier life of the process
        config = self._setup.folder / "httpd.conf"
        config.write_text(configuration(self._setup), encoding="utf-8")
        return [program("apache2"), "-DFOREGROUND", "-f", str(config)]

    async def look(self) -> Mapping[str, Look]:
        """The manager's XML. It wants a nonce, which its page tells, and a Referer."""
        if not self._nonce:
            found = _NONCE.search(await self._manager({}))
            if not found:
                raise BalancerFailed("Apache's balancer-manager shows no nonce")
            self._nonce = found[1]
        looks = read_manager(await self._manager({"xml": "1", "nonce": self._nonce}))
        if not looks.keys() >= self._admin.keys():
            raise BalancerFailed("Apache's balancer-manager does not name every node")
        return looks

    async def set_state(self, node_id: str, admin: Admin) -> None:
        """The form of the page: drain is the flag N, disabled D."""
        node = next(node for node in self._setup.nodes if node.name == node_id)
        form = {
            "b": BACKEND,
            "w": f"http://{node.address}",
            "nonce": self._nonce,
            "w_status_N": str(int(admin is Admin.DRAIN)),
            "w_status_D": str(int(admin is Admin.MAINT)),
        }
        await self._manager({}, form)
        shown = (await self.look())[node_id].admin
        if shown != admin.upper():
            raise BalancerFailed(f"Apache was told to set {node_id} to {admin}, and shows {shown}")

    def requests(self, lines: Iterable[str]) -> Iterator[Logged]:
        """Its access log."""
        return filter(None, map(read_line, lines))

    async def close(self) -> None:
        """Close the connections, and give the ports back."""
        await super().close()
        if self._http:
            await self._http.close()

    async def _manager(self, query: Mapping[str, str], form: Mapping[str, str] | None = None) -> str:
        if self._http is None:
            self._http = aiohttp.ClientSession(headers={"Referer": self.admin_url})
        async with self._http.request("POST" if form else "GET", self.admin_url, params=query, data=form) as answer:
            answer.raise_for_status()
            return await answer.text()


def read_manager(xml: str) -> dict[str, Look]:
    """Every worker by its route. Raises BalancerFailed if it is no XML of the balancer-manager's."""
    try:
        workers = list(ET.fromstring(xml).iter(f"{_XML}worker"))  # noqa: S314 - of a process that we started
        return {_text(worker, "route"): _read_worker(worker) for worker in workers}
    except (ET.ParseError, ValueError) as error:
        raise BalancerFailed(f"Apache's balancer-manager cannot be understood: {error}") from error


def _read_worker(worker: "ET.Element") -> Look:
    flags = set(_text(worker, "status").split())
    admin = "MAINT" if "Dis" in flags else "DRAIN" if "Drn" in flags else "READY"
    operational = "DOWN" if flags & (_OUT - {"Dis"}) else "UP"
    return Look(admin, operational, not flags & _OUT, int(_text(worker, "busy")), " ".join(sorted(flags)))


def _text(worker: "ET.Element", name: str) -> str:
    return (worker.findtext(f"{_XML}{name}") or "").strip()
