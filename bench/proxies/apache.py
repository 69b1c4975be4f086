"""Apache httpd as Atlassian's pages configure it for Jira: mod_proxy_balancer with a ROUTEID cookie, event MPM."""

import grp
import os
import pwd

from bench.common.machine import program
from bench.proxies.setup import Admin, Node, Setup

MODULES = (
    "mpm_event", "authz_core", "headers", "proxy", "proxy_http", "proxy_balancer", "proxy_hcheck", "proxy_wstunnel",
    "lbmethod_byrequests", "slotmem_shm", "reqtimeout",
)  # fmt: skip
MODULE_FOLDER = "/usr/lib/apache2/modules"


class Apache:
    """From Debian's package: one child process with threads, access log written through a buffer."""

    name = "Apache"
    program = "apache2"

    def command(self, setup: Setup) -> list[str]:
        """Nothing of the system's own configuration is read."""
        config = setup.folder / "httpd.conf"
        loads = "".join(f"LoadModule {name}_module {MODULE_FOLDER}/mod_{name}.so\n" for name in MODULES)
        members = "\n".join(self._member(node, setup) for node in setup.nodes)
        config.write_text(f"""\
ServerRoot {setup.folder}
DefaultRuntimeDir {setup.folder}
ServerName 127.0.0.1
Listen 127.0.0.1:{setup.port}
PidFile {setup.folder}/httpd.pid
ErrorLog {setup.folder}/httpd.error.log
LogLevel error
{loads}
{_user()}
StartServers 1
ServerLimit 1
ThreadsPerChild 128
ThreadLimit 128
MaxRequestWorkers 128
AsyncRequestWorkerFactor 100
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout {setup.keep_alive_s:.0f}
Timeout {setup.server_timeout_s:.0f}
RequestReadTimeout header={setup.client_timeout_s:.0f} body={setup.client_timeout_s:.0f}
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\" %D" combined
BufferedLogs On
CustomLog {setup.access_log} combined
ProxyPreserveHost On
<Proxy "balancer://jira">
{members}
    ProxySet stickysession=ROUTEID
</Proxy>
Header add Set-Cookie "ROUTEID=.%{{BALANCER_WORKER_ROUTE}}e; Path=/; HttpOnly" env=BALANCER_ROUTE_CHANGED
ProxyPass "/" "balancer://jira/"
""")
        return [program(self.program), "-DFOREGROUND", "-f", str(config)]

    def can(self, admin: Admin) -> bool:
        """``+N`` is drain, ``+D`` is maint."""
        return admin in Admin

    def settle(self, setup: Setup) -> None:
        """Everything is in the configuration."""

    @staticmethod
    def _member(node: Node, setup: Setup) -> str:
        status = {Admin.READY: "", Admin.DRAIN: " status=+N", Admin.MAINT: " status=+D"}[node.admin]
        retry = "" if setup.passive else " retry=0"
        checks = f"hcmethod=GET hcuri=/status hcinterval={max(1, round(setup.inter_s))}"
        return (
            f"    BalancerMember http://127.0.0.1:{node.port} route={node.name} {checks}"
            f" connectiontimeout=2 upgrade=websocket{retry}{status}"
        )


def _user() -> str:
    """Apache refuses to serve as root; its logs are opened before it changes the user."""
    if os.geteuid() != 0:
        return ""
    for user in ("www-data", "nobody"):
        try:
            return f"User {user}\nGroup {grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name}"
        except KeyError:
            continue
    return ""
