"""What visitors ask of another application behind a load balancer of ours, and who answered them. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.balancers.settings import COOKIE
from simulator.certify.target import Target
from simulator.load.answers import attempts_in
from simulator.scenario.application import PagePart


@dataclass(frozen=True)
class BalancedTarget(Target):
    """A target whose load balancer we have set up: its cookie tells the node, where the application does not.

    ``runs`` tells which version a node was started with. That is the version of all its answers: a node with another
    one begins to serve only after the process of the one before has ended.
    """

    version_header: str = ""
    runs: Callable[[str], str] = str
    counts_attempts: bool = False
    """Whether the load balancer is ours, which says how often it dispatched a request."""

    def node_of(self, status: int, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str:
        """The node's own word, or the load balancer's cookie, in which a dot is before the name."""
        return super().node_of(status, headers, cookies).removeprefix(".")

    def version_of(self, headers: Mapping[str, str], node: str) -> str:
        """The application's own word, or what the node was started with."""
        if self.version_header:
            return headers.get(self.version_header, "")
        return self.runs(node) if node else ""

    def attempts_of(self, headers: Mapping[str, str]) -> int:
        """The load balancer's word, if it is ours."""
        return attempts_in(headers) if self.counts_attempts else 1


def target_of(page: PagePart, url: str, runs: Callable[[str], str], *, counts_attempts: bool) -> BalancedTarget:
    """The page of a scenario's application, at the load balancer's ``url``."""
    return BalancedTarget(
        url=url,
        path=page.path,
        text=page.text,
        login=page.login,
        form=page.form,
        headers=page.headers,
        node_header=page.node_header,
        node_cookie=COOKIE,
        version_header=page.version_header,
        runs=runs,
        counts_attempts=counts_attempts,
    )
