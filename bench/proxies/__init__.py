"""Load balancers that are put side by side: each knows how to write its configuration and how it is started."""

from bench.proxies.aiohttp_proxy import AiohttpProxy
from bench.proxies.apache import Apache
from bench.proxies.haproxy import HAProxy
from bench.proxies.nginx import Nginx
from bench.proxies.setup import Proxy
from bench.proxies.zdu_lb import CompiledZduLb, ZduLb


def proxies() -> dict[str, Proxy]:
    """All of them by name; ours first."""
    known: tuple[Proxy, ...] = (ZduLb(), CompiledZduLb(), HAProxy(), Nginx(), Apache(), AiohttpProxy())
    return {proxy.name: proxy for proxy in known}
