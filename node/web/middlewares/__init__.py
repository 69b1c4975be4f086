"""What every request passes on its way in and every answer on its way out, one concern a module, outermost first."""

from node.web.middlewares.authentication import authentication
from node.web.middlewares.errors import errors
from node.web.middlewares.flaws import flaws
from node.web.middlewares.response_headers import complete_headers
from node.web.middlewares.scope import scope
from node.web.middlewares.state_gate import state_gate
from node.web.middlewares.warm_up import warm_up
from node.web.middlewares.xsrf import xsrf

MIDDLEWARES = (scope, errors, state_gate, warm_up, authentication, xsrf, flaws)

__all__ = ["MIDDLEWARES", "complete_headers"]
