import pytest

from zdu.errors import UsageError
from zdu.pytest_plugin.wishes import FAST, SERVER_URL, Wishes, read_wishes


def test_without_arguments_it_is_a_fast_cluster_with_a_few_users() -> None:
    words = read_wishes((), {}).arguments()

    assert words[:4] == ["--lb", "ours", "--users", "6"]
    assert words[4:] == [word for key, value in FAST.items() for word in ("--set", f"{key}={value}")]


def test_a_scenario_keeps_its_own_times_and_users() -> None:
    assert read_wishes((), {"scenario": "valiantys"}).arguments() == ["--lb", "ours", "--like", "valiantys"]


def test_everything_that_is_wanted_becomes_an_option() -> None:
    wishes = Wishes(
        nodes=3,
        database="postgresql+asyncpg://db/x",
        lb="apache",
        version="7.3.0",
        users=0,
        scenario="mine.yaml",
        expect=["longest outage < 1s"],
        settings={"balancer.drain": False, "cluster.start_duration": "2s"},
        node_command=["python", "app.py", "{port}"],
        health="/health",
    )

    assert wishes.arguments() == [
        *("--lb", "apache", "--like", "mine.yaml", "--nodes", "3", "--version", "7.3.0", "--users", "0"),
        *("--db", "postgresql+asyncpg://db/x", "--set", "balancer.drain=false"),
        *("--set", "cluster.start_duration=2s", "--set", 'node.command=["python", "app.py", "{port}"]'),
        *("--set", "node.health.path=/health", "--expect", "longest outage < 1s"),
    ]


def test_the_address_of_postgresql_need_not_stand_in_a_test() -> None:
    wishes = read_wishes((), {"database": "postgresql"})

    assert wishes.on_the_server_of({SERVER_URL: "postgresql+asyncpg://db/x"}).database == "postgresql+asyncpg://db/x"
    with pytest.raises(UsageError, match=SERVER_URL):
        wishes.on_the_server_of({})
    assert read_wishes((), {}).on_the_server_of({SERVER_URL: "postgresql+asyncpg://db/x"}).database == "sqlite"


@pytest.mark.parametrize(
    ("given", "named", "told"),
    [
        (("sqlite",), {}, "have names"),
        ((), {"node": 3}, "no argument 'node'; did you mean nodes?"),
        ((), {"nodes": "3"}, "nodes is a whole number"),
        ((), {"nodes": 0}, "nodes is a whole number from 1 on"),
        ((), {"settings": ["balancer.drain"]}, "settings is a dict"),
        ((), {"database": "postgres"}, "no database 'postgres'"),
        ((), {"health": "/health"}, "goes with node_command"),
        ((), {"users": True}, "users is a whole number"),
        ((), {"version": 7.3}, "version is a text"),
        ((), {"expect": "longest outage < 1s"}, "expect is a list of texts"),
        ((), {"lb": "http://127.0.0.1:8080"}, "of your own"),
        ((), {"lb": "traefik"}, "no load balancer 'traefik'"),
    ],
)
def test_a_wrong_argument_is_told_with_its_name(
    given: tuple[object, ...], named: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told.replace("?", r"\?")):
        read_wishes(given, named)
