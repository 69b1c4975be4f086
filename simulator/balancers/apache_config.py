"""Apache httpd's configuration as Atlassian's pages have it for Jira, and what its log says; pure.

mod_proxy_balancer with a ROUTEID cookie, mod_proxy_hcheck, event MPM, the balancer-manager on a port of its own.
"""

import grp
import os
import pwd
import re

from simulator.balancers.settings import BACKEND, COOKIE, Admin, Health, Logged, Node, Setup

MODULES = (
    "mpm_event", "authz_core", "headers", "proxy", "proxy_http", "proxy_balancer", "proxy_hcheck", "proxy_wstunnel",
    "lbmethod_byrequests", "slotmem_shm", "reqtimeout",
)  # fmt: skip
MODULE_FOLDER = "/usr/lib/apache2/modules"
MANAGER = "/balancer-manager"


def configuration(setup: Setup) -> str:
    """Nothing of the system's own configuration is read. Users and administrators have a port each.

    Both ports belong to one virtual host: a balancer that is seen from two is not the same one to the manager.
    """
    loads = "".join(f"LoadModule {name}_module {MODULE_FOLDER}/mod_{name}.so\n" for name in MODULES)
    members = "\n".join(_member(node, setup) for node in setup.nodes)
    admin = f"127.0.0.1:{setup.admin_port}"
    return f"""\
ServerRoot "{setup.folder}"
DefaultRuntimeDir "{setup.folder}"
ServerName 127.0.0.1
Listen {setup.listen}
Listen {admin}
PidFile "{setup.folder}/httpd.pid"
ErrorLog "{setup.folder}/httpd.error.log"
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
LogFormat "%{{msec}}t %{{BALANCER_WORKER_ROUTE}}e %{{X-Request-Id}}i \\"%r\\" %>s %D" attempts
BufferedLogs {"On" if setup.tuned else "Off"}
<VirtualHost {setup.listen} {admin}>
    UseCanonicalPhysicalPort On
    CustomLog "{setup.access_log}" attempts "expr=%{{SERVER_PORT}} -ne '{setup.admin_port}'"
    ProxyPreserveHost On
    ProxyHCExpr running {{{_good_answer(setup.health)}}}
    <Proxy "balancer://{BACKEND}">
{members}
        ProxySet stickysession={COOKIE}
    </Proxy>
    Header add Set-Cookie "{COOKIE}=.%{{BALANCER_WORKER_ROUTE}}e; Path=/; HttpOnly" env=BALANCER_ROUTE_CHANGED
    ProxyPass "{MANAGER}" "!"
    ProxyPass "/" "balancer://{BACKEND}/"
    <Location "{MANAGER}">
        SetHandler balancer-manager
        Require expr "%{{SERVER_PORT}} -eq '{setup.admin_port}'"
    </Location>
</VirtualHost>
"""


def read_line(line: str) -> Logged | None:
    """The node that a request was sent to at last; None for a request that met none, and for half a line.

    The time is when the request came: Apache logs no time of an attempt, and of several nodes only the last.
    """
    words = line.split(" ", 5)
    if len(words) < 6 or not words[0].isdigit() or words[1] == "-":
        return None
    what = f"{words[3].lstrip(chr(34))} {words[4]}"
    return Logged(what, ((words[1], int(words[0])),), retried=False, request_id=words[2])


def _good_answer(health: Health) -> str:
    """An expression of Apache's; %{REQUEST_STATUS} is the status of the node's answer."""
    status = f"%{{REQUEST_STATUS}} =~ /^{health.status}/"
    text = re.sub(r"([^A-Za-z0-9 _-])", r"\\\1", health.text)
    body = f"hc('body')=~/{text}/" if text else ""
    if health.tells_state:
        return body
    return f"{status} && {body}" if body else status


def _member(node: Node, setup: Setup) -> str:
    status = {Admin.READY: "", Admin.DRAIN: " status=+N", Admin.MAINT: " status=+D"}[node.admin]
    retry = "" if setup.passive else " retry=0"
    interval_ms = max(0.1, setup.inter_s) * 1000
    checks = f"hcmethod=GET hcuri={setup.health.path} hcexpr=running hcinterval={interval_ms:.0f}ms"
    return (
        f"        BalancerMember http://{node.address} route={node.name} {checks}"
        f" hcpasses={setup.rise} hcfails={setup.fall} connectiontimeout=2 upgrade=websocket{retry}{status}"
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
