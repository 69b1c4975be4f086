"""Whether this process runs the data path as Python or compiled: the same source either way (``make compiled``)."""

from lb.http import request

COMPILED = not (request.__file__ or "").endswith(".py")
"""Which one it is; that all modules that can be compiled are, or none of them, a test sees to."""
