"""nginx with one worker; version 1.22 has neither sticky cookies nor active checks, so a map reads the cookie."""

from bench.common.machine import program
from bench.proxies.setup import Admin, Setup
from simulator.balancers.nginx_config import configuration


class Nginx:
    """Open-source nginx from Debian's package."""

    name = "nginx"
    program = "nginx"

    def command(self, setup: Setup) -> list[str]:
        """A request whose cookie names a node goes to an upstream with that node first and the others as backup."""
        config = setup.folder / "nginx.conf"
        config.write_text(configuration(setup))
        return [program(self.program), "-c", str(config), "-p", str(setup.folder)]

    def can(self, admin: Admin) -> bool:
        """``drain`` is not in this version's open-source edition."""
        return admin is not Admin.DRAIN

    def settle(self, setup: Setup) -> None:
        """Everything is in the configuration."""
