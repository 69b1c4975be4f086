"""Ours, as a real process: ``zdu lb --config FILE``."""

import json
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from bench.proxies.setup import Admin, Setup
from tools.compile_lb import STAMP, TARGET


class ZduLb:
    """All features on: access log, metrics, checks, sticky insert."""

    name = "zdu lb"
    program = ""
    root = Path(__file__).parents[2]
    """The folder of the packages: the product that is measured is the one there, whatever the present folder."""

    def command(self, setup: Setup) -> list[str]:
        """YAML is a superset of JSON."""
        settings = {
            "port": setup.port,
            "admin_port": setup.admin_port,
            "nodes": [{"name": node.name, "port": node.port} for node in setup.nodes],
            "health": {"inter": f"{setup.inter_s:g}s", "path": "/status"},
            "passive": {"enabled": setup.passive},
            "drain": {"deadline": "60s"},
            "queue": {"timeout": f"{setup.queue_s:g}s"},
            "timeouts": {
                "server": f"{setup.server_timeout_s:g}s",
                "client": f"{setup.client_timeout_s:g}s",
                "http_request": f"{setup.client_timeout_s:g}s",
                "client_keep_alive": f"{setup.keep_alive_s:g}s",
            },
            "log_file": str(setup.folder / "lb.log"),
            "access_log_file": str(setup.access_log),
        }
        config = config_file(setup)
        config.write_text(json.dumps(settings, indent=2))
        return ["env", f"PYTHONPATH={self.root}", sys.executable, "-P", "-m", "zdu", "lb",
                "--config", str(config)]  # fmt: skip

    def can(self, admin: Admin) -> bool:
        """All of them."""
        return admin in Admin

    def settle(self, setup: Setup) -> None:
        """Through the admin port, as an administrator does."""
        for node in setup.nodes:
            if node.admin is not Admin.READY:
                set_state(setup.admin_port, node.name, node.admin)


class CompiledZduLb(ZduLb):
    """The same source, compiled by ``make compiled``."""

    name = "zdu lb compiled"
    root = TARGET

    @staticmethod
    def is_built() -> bool:
        """Whether there is one; whether it is that of the present source is for make to say."""
        return (TARGET / STAMP).exists()


def config_file(setup: Setup) -> Path:
    """Where its configuration is."""
    return setup.folder / "lb.yaml"


def change_weight(setup: Setup, node: str, weight: int) -> None:
    """Write another weight into the configuration, all at once, for a reload to find."""
    config = config_file(setup)
    settings = json.loads(config.read_text())
    for entry in settings["nodes"]:
        if entry["name"] == node:
            entry["weight"] = weight
    changed = config.with_suffix(".new")
    changed.write_text(json.dumps(settings, indent=2))
    changed.replace(config)


def set_state(admin_port: int, node: str, admin: Admin) -> None:
    """Set a node's admin state."""
    request = Request(
        f"http://127.0.0.1:{admin_port}/nodes/{node}/state",
        data=json.dumps({"state": str(admin)}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urlopen(request, timeout=5) as answer:
        answer.read()
