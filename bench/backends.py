"""Two fast nodes: nginx, one worker each, about 1 KB of JSON, every header field that a node of ours has too."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench.common.machine import program
from bench.common.processes import Child, Children, wait_for_port
from bench.proxies.setup import Node
from simulator.balancers.nginx_config import http_temporary_folders, main_section

BODY_BYTES = 1024


def _body() -> str:
    fields = {"summary": "Users notice nothing", "status": "Open", "description": ""}
    issue = {"id": "10001", "key": "ZDU-1", "fields": fields}
    fields["description"] = "x" * (BODY_BYTES - len(json.dumps(issue)))
    return json.dumps(issue)


def start_backends(children: Children, nodes: Sequence[Node], folder: Path, cores: set[int]) -> list[Child]:
    """Start one nginx for each node and wait until it listens."""
    return [_start(children, node, folder / node.name, cores) for node in nodes]


def _start(children: Children, node: Node, folder: Path, cores: set[int]) -> Child:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(f"""\
{main_section(folder, node.name)}
http {{
{http_temporary_folders(folder)}
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    default_type application/json;
    add_header X-Node {node.name};
    add_header X-AREQUESTID 1051x4711x1;
    add_header Cache-Control "no-cache, no-store, no-transform";
    server {{
        listen 127.0.0.1:{node.port} backlog=4096;
        location = /status {{ return 200 '{{"state":"RUNNING"}}'; }}
        location / {{ return 200 '{_body()}'; }}
    }}
}}
""")
    child = children.start(node.name, [program("nginx"), "-c", str(config), "-p", str(folder)], folder, cores)
    wait_for_port(child, node.port)
    return child
