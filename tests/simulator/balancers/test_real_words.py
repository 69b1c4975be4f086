"""What HAProxy, Apache and nginx say of their nodes and of their requests, as they were heard to say it."""

import pytest

from simulator.balancers import apache_config, haproxy_config, nginx_config
from simulator.balancers.apache import read_manager
from simulator.balancers.balancer import BalancerFailed
from simulator.balancers.haproxy import read_row
from simulator.balancers.looks import Look
from simulator.balancers.settings import Logged


@pytest.mark.parametrize(
    ("status", "check", "look"),
    [
        ("UP", "L7OK", Look("READY", "UP", True, 3, "L7OK 200")),
        ("UP 1/3", "L7STS", Look("READY", "UP", True, 3, "L7STS 200")),
        ("DOWN", "L4CON", Look("READY", "DOWN", False, 3, "L4CON 200")),
        ("DOWN 1/2", "L7OK", Look("READY", "DOWN", False, 3, "L7OK 200")),
        ("DRAIN", "L7OK", Look("DRAIN", "UP", True, 3, "L7OK 200")),
        ("MAINT", "", Look("MAINT", "DOWN", False, 3, "200")),
        ("UP", "INI", Look("READY", "INIT", False, 3, "INI 200")),
    ],
)
def test_haproxy_says_how_a_server_is(status: str, check: str, look: Look) -> None:
    assert read_row({"status": status, "check_status": check, "check_code": "200", "scur": "3"}) == look


def worker(status: str, busy: int = 0) -> str:
    return (
        "<?xml version='1.0' encoding='UTF-8' ?><httpd:manager xmlns:httpd='http://httpd.apache.org'>"
        f"<httpd:worker><httpd:status>{status} </httpd:status><httpd:route>node1</httpd:route>"
        f"<httpd:busy>{busy}</httpd:busy></httpd:worker></httpd:manager>"
    )


@pytest.mark.parametrize(
    ("status", "admin", "usable", "drained"),
    [
        ("Init Ok", "READY", True, False),
        ("Init Drn Ok", "DRAIN", True, False),
        ("Init Dis", "MAINT", False, True),
        ("Init Err", "READY", False, True),
        ("Init Ok HcFl", "READY", False, True),
        ("Init Dis HcFl", "MAINT", False, True),
    ],
)
def test_apache_says_how_a_worker_is(status: str, admin: str, usable: bool, drained: bool) -> None:
    look = read_manager(worker(status))["node1"]
    assert (look.admin, look.usable, look.drained) == (admin, usable, drained)


def test_a_disabled_worker_of_apache_with_a_request_in_flight_is_not_drained() -> None:
    assert not read_manager(worker("Init Dis", busy=1))["node1"].drained


def test_a_page_that_is_not_the_managers_is_told_in_one_sentence() -> None:
    with pytest.raises(BalancerFailed, match="balancer-manager cannot be understood"):
        read_manager("<html><body>403<br></body>")


def test_haproxys_log_dates_the_last_attempt_of_a_request() -> None:
    line = '1795532042053 3 5 250 +1 node2 zdu-812 "GET /browse/ZDU-1 HTTP/1.1"\n'
    assert haproxy_config.read_line(line) == Logged("GET /browse/ZDU-1", (("node2", 1795532041811),), True, "zdu-812")


def test_nginxs_log_dates_every_attempt_of_a_request() -> None:
    names = {"127.0.0.1:8091": "node1", "127.0.0.1:8092": "node2"}
    line = '1000.500 0.300 [127.0.0.1:8091, 127.0.0.1:8092] [0.100, 0.200] zdu-812 "GET /x HTTP/1.1" 200\n'
    assert nginx_config.read_line(line, names) == Logged(
        "GET /x", (("node1", 1000200), ("node2", 1000300)), True, "zdu-812"
    )


def test_apaches_log_dates_a_request_and_names_its_last_node() -> None:
    line = '1795531946942 node1 zdu-812 "POST /login.jsp HTTP/1.1" 302 1500\n'
    assert apache_config.read_line(line) == Logged("POST /login.jsp", (("node1", 1795531946942),), False, "zdu-812")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[NOTICE] (19497) : haproxy version is 2.6.12",
        '1795532042053 -1 -1 0 0 <NOSRV> - "<BADREQ>"',
        "1795532 3 5",
    ],
)
def test_other_lines_of_haproxy_and_requests_that_met_no_node_are_no_attempts(line: str) -> None:
    assert haproxy_config.read_line(line) is None


@pytest.mark.parametrize("line", ["", '1795531946942 - - "GET / HTTP/1.1" 503 1500', "1795531946942 node1"])
def test_half_a_line_of_apache_and_requests_that_met_no_node_are_no_attempts(line: str) -> None:
    assert apache_config.read_line(line) is None


@pytest.mark.parametrize("line", ["", '1000.500 0.300 [any] [0.000] - "GET /x HTTP/1.1" 502', "1000.500 0.3"])
def test_half_a_line_of_nginx_and_requests_that_met_no_node_are_no_attempts(line: str) -> None:
    assert nginx_config.read_line(line, {"127.0.0.1:8091": "node1"}) is None
