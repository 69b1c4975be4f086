"""Apache httpd as Atlassian's pages configure it for Jira: mod_proxy_balancer with a ROUTEID cookie, event MPM."""

from bench.common.machine import program
from bench.proxies.setup import Admin, Setup
from simulator.balancers.apache_config import configuration


class Apache:
    """From Debian's package: one child process with threads, access log written through a buffer."""

    name = "Apache"
    program = "apache2"

    def command(self, setup: Setup) -> list[str]:
        """Nothing of the system's own configuration is read."""
        config = setup.folder / "httpd.conf"
        config.write_text(configuration(setup))
        return [program(self.program), "-DFOREGROUND", "-f", str(config)]

    def can(self, admin: Admin) -> bool:
        """``+N`` is drain, ``+D`` is maint."""
        return admin in Admin

    def settle(self, setup: Setup) -> None:
        """Everything is in the configuration."""
