"""nginx's configuration, and what its log says; pure.

Version 1.22 as Debian has it knows neither sticky cookies nor active checks nor drains, so a map reads the cookie,
and an administrator who wants a node out writes ``down`` into the configuration and reloads.
"""

import os
from collections.abc import Mapping, Sequence

from simulator.balancers.settings import COOKIE, Admin, Logged, Node, Setup


def configuration(setup: Setup) -> str:
    """A request whose cookie names a node goes to an upstream with that node first and the others as backup.

    Whoever was answered by another node than the cookie names gets the cookie of that one.
    """
    names = "|".join(node.name for node in setup.nodes)
    upstreams = [_upstream("any", setup.nodes, setup)]
    for node in setup.nodes:
        others = [other for other in setup.nodes if other is not node]
        upstreams.append(_upstream(f"at_{node.name}", (node,), setup, others))
    buffered = " buffer=64k flush=1s" if setup.tuned else ""
    return f"""\
{main_section(setup.folder)}
http {{
{http_temporary_folders(setup.folder)}
    log_format attempts
        '$msec $request_time [$upstream_addr] [$upstream_response_time] $http_x_request_id "$request" $status';
    access_log "{setup.access_log}" attempts{buffered};
    keepalive_requests 1000000000;
    keepalive_timeout {setup.keep_alive_s:.0f}s;
    client_header_timeout {setup.client_timeout_s:.0f}s;
    client_body_timeout {setup.client_timeout_s:.0f}s;
    map $cookie_{COOKIE} $upstream_for {{
        "~^\\.(?<bound>{names})$" at_$bound;
        default any;
    }}
    map "$cookie_{COOKIE}:.$upstream_node" $bind {{
        "~^(?<was>[^:]+):\\k<was>$" "";
        "~:\\.$" "";
        default "{COOKIE}=.$upstream_node; Path=/; HttpOnly";
    }}
    map $upstream_addr $upstream_node {{ {_node_names(setup)} }}
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
{"".join(upstreams)}
    server {{
        listen {setup.listen};
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
"""


def main_section(folder: object, name: str = "nginx") -> str:
    """What any nginx here begins with; as root it stays root, because the folder is root's."""
    return f"""\
{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes 1;
worker_rlimit_nofile 15000;
pid "{folder}/{name}.pid";
error_log "{folder}/{name}.error.log" error;
events {{ worker_connections 12000; }}
"""


def http_temporary_folders(folder: object) -> str:
    """Folders that a user may write to; the compiled-in ones are the system's."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "".join(f'    {kind}_temp_path "{folder}/{kind}";\n' for kind in kinds)


def read_line(line: str, names: Mapping[str, str]) -> Logged | None:
    """Every attempt of a request, each at the moment at which the one before it was over; ``names`` by address.

    None for a request that met no node, and for half a line.
    """
    head, _, rest = line.partition(" [")
    addresses, _, rest = rest.partition("] [")
    times, _, rest = rest.partition("] ")
    request_id, _, request = rest.partition(' "')
    try:
        ended_s, took_s = map(float, head.split(" "))
        lasted_s = [0.0 if word == "-" else float(word) for word in times.split(", ")]
    except ValueError:
        return None
    nodes = [names[address] for address in addresses.split(", ") if address in names]
    if not nodes:
        return None
    at_s = ended_s - took_s
    sent = tuple((node, round((at_s + sum(lasted_s[:index])) * 1000)) for index, node in enumerate(nodes))
    return Logged(" ".join(request.split(" ")[:2]), sent, len(nodes) > 1, request_id)


def _upstream(name: str, nodes: tuple[Node, ...], setup: Setup, backups: Sequence[Node] = ()) -> str:
    fails = "" if setup.passive else " max_fails=0"

    def server(node: Node, more: str = "") -> str:
        down = " down" if node.admin is not Admin.READY else ""
        return f"        server {node.address}{fails}{down}{more};\n"

    lines = "".join(map(server, nodes)) + "".join(server(node, " backup") for node in backups)
    return f"    upstream {name} {{\n{lines}        keepalive 128;\n        keepalive_requests 1000000000;\n    }}\n"


def _node_names(setup: Setup) -> str:
    escaped = ((node.name, node.address.replace(".", "\\.")) for node in setup.nodes)
    return " ".join(f'"~{address}$" {name};' for name, address in escaped)
