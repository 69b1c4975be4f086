"""nginx with one worker; version 1.22 has neither sticky cookies nor active checks, so a map reads the cookie."""

import os

from bench.common.machine import program
from bench.proxies.setup import Admin, Node, Setup


def main_section(setup_folder: object, name: str = "nginx") -> str:
    """What any nginx here begins with; as root it stays root, because the folder is root's."""
    return f"""\
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes 1;
worker_rlimit_nofile 15000;
pid {setup_folder}/{name}.pid;
error_log {setup_folder}/{name}.error.log error;
events {{ worker_connections 12000; }}
"""


def http_temporary_folders(folder: object) -> str:
    """Folders that a user may write to; the compiled-in ones are the system's."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)


class Nginx:
    """Open-source nginx from Debian's package."""

    name = "nginx"
    program = "nginx"

    def command(self, setup: Setup) -> list[str]:
        """A request whose cookie names a node goes to an upstream with that node first and the others as backup."""
        names = "|".join(node.name for node in setup.nodes)
        upstreams = [self._upstream("any", setup.nodes, setup)]
        for node in setup.nodes:
            others = [other for other in setup.nodes if other is not node]
            upstreams.append(self._upstream(f"at_{node.name}", (node,), setup, others))
        config = setup.folder / "nginx.conf"
        config.write_text(f"""\
{main_section(setup.folder)}
http {{
{http_temporary_folders(setup.folder)}
    access_log {setup.access_log} combined buffer=64k flush=1s;
    keepalive_requests 1000000000;
    keepalive_timeout {setup.keep_alive_s:.0f}s;
    client_header_timeout {setup.client_timeout_s:.0f}s;
    client_body_timeout {setup.client_timeout_s:.0f}s;
    map $cookie_ROUTEID $upstream_for {{
        "~^\\.(?<bound>{names})$" at_$bound;
        default any;
    }}
    map $cookie_ROUTEID $bind {{ "~^\\.(?:{names})$" ""; default "ROUTEID=.$upstream_node; Path=/; HttpOnly"; }}
    map $upstream_addr $upstream_node {{ {self._node_names(setup)} }}
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
{"".join(upstreams)}
    server {{
        listen 127.0.0.1:{setup.port};
        location / {{
            proxy_pass http://$upstream_for;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_connect_timeout 2s;
            proxy_read_timeout {setup.server_timeout_s:.0f}s;
            proxy_send_timeout {setup.server_timeout_s:.0f}s;
            add_header Set-Cookie $bind;
        }}
    }}
}}
""")
        return [program(self.program), "-c", str(config), "-p", str(setup.folder)]

    def can(self, admin: Admin) -> bool:
        """``drain`` is not in this version's open-source edition."""
        return admin is not Admin.DRAIN

    def settle(self, setup: Setup) -> None:
        """Everything is in the configuration."""

    @staticmethod
    def _upstream(name: str, nodes: tuple[Node, ...], setup: Setup, backups: list[Node] | None = None) -> str:
        fails = "" if setup.passive else " max_fails=0"

        def server(node: Node, more: str = "") -> str:
            down = " down" if node.admin is Admin.MAINT else ""
            return f"        server 127.0.0.1:{node.port}{fails}{down}{more};\n"

        lines = "".join(map(server, nodes)) + "".join(server(node, " backup") for node in backups or [])
        return (
            f"    upstream {name} {{\n{lines}        keepalive 128;\n        keepalive_requests 1000000000;\n    }}\n"
        )

    @staticmethod
    def _node_names(setup: Setup) -> str:
        return " ".join(f'"~127\\.0\\.0\\.1:{node.port}$" {node.name};' for node in setup.nodes)
