"""The web side of a node: pages, REST resources, sessions. Asks the cluster side only through ``node.services``."""

from node.web.app import build_app
from node.web.context import WebContext

__all__ = ["WebContext", "build_app"]
