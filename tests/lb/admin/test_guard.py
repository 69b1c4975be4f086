"""Who may use the admin port, and that no configuration leaves it open to the network."""

import pytest
from pydantic import ValidationError

from lb.admin.guard import refusal
from lb.config import BalancerConfig
from tests.support.balancers import balancer_config, running_balancer
from tests.support.http_nodes import HttpNode

TOKEN = "0123456789-secret"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8081", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8081", "127.1.2.3:80"]
)
def test_on_loopback_whoever_calls_this_machine_by_its_name_may(host: str) -> None:
    assert refusal(None, authorization=None, host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8081",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:80@evil.example",
        "evil.example:127.0.0.1",
        "[::1].evil.example",
        "::1",
        "192.0.2.1",
        "localhost, evil.example",
    ],
)
def test_on_loopback_a_foreign_host_is_refused(host: str | None) -> None:
    refused = refusal(None, authorization=None, host=host)
    assert refused is not None
    assert refused.status == 403


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Bearer  {TOKEN} "])
def test_who_brings_the_token_may_under_any_name(authorization: str) -> None:
    assert refusal(TOKEN, authorization=authorization, host="lb.example") is None


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \udcff",
    ],
)
def test_without_the_very_token_nobody_may_not_even_from_this_machine(authorization: str | None) -> None:
    refused = refusal(TOKEN, authorization=authorization, host="127.0.0.1")
    assert refused is not None
    assert refused.status == 401


def config(**settings: object) -> BalancerConfig:
    return BalancerConfig.model_validate({"nodes": [{"name": "node1", "port": 9001}], **settings})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_a_loopback_admin_port_needs_no_token(host: str) -> None:
    assert config(admin_host=host).admin_token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "lb.example"])
def test_any_other_admin_port_needs_a_token(host: str) -> None:
    with pytest.raises(ValidationError, match=r"can be reached from other machines: set admin_token too"):
        config(admin_host=host)
    assert config(admin_host=host, admin_token=TOKEN).admin_host == host


@pytest.mark.parametrize("token", ["", "short", "sixteen letters and blanks", "ümlauts-are-no-token"])
def test_a_token_that_could_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match=r"a token has at least 16 letters") as raised:
        config(admin_token=token)
    assert not token or token not in raised.value.errors()[0]["msg"]


def test_the_token_does_not_show_when_a_configuration_is_printed() -> None:
    assert TOKEN not in repr(config(admin_token=TOKEN))


@pytest.mark.parametrize("path", ["/", "/status.json", "/events", "/no/such/page"])
async def test_every_path_wants_the_token(path: str) -> None:
    async with HttpNode() as node, running_balancer(node, admin_token=TOKEN) as lb:
        async with lb.client.get(lb.admin_url + path) as response:
            assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="zdu-lb"')
            assert "node1" not in await response.text()
        async with lb.client.get(lb.admin_url + path, headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            assert response.status == (404 if "such" in path else 200)


async def test_a_state_cannot_be_set_by_a_site_that_resolves_to_this_machine() -> None:
    async with HttpNode() as node, running_balancer(node) as lb:
        url, wish = f"{lb.admin_url}/nodes/node1/state", {"state": "maint"}
        async with lb.client.post(url, json=wish, headers={"Host": "evil.example:8081"}) as response:
            assert response.status == 403
        assert lb.balancer.view("node1").admin == "READY"
        async with lb.client.post(url, json=wish, headers={"Host": "localhost:8081"}) as response:
            assert response.status == 200


def test_the_tests_own_balancer_is_on_loopback() -> None:
    assert balancer_config([HttpNode(port=1)]).admin_token is None
