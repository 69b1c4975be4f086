"""Where a log-in may lead: to a path of this application and nowhere else."""

from urllib.parse import quote, urlsplit

DASHBOARD = "/secure/Dashboard.jspa"
LOG_IN = "/login.jsp"
_LONGEST = 2000


def local_destination(wanted: str) -> str:
    r"""``wanted`` if it is a path of this application, otherwise the dashboard.

    Browsers read ``//host``, ``/\host`` and ``/<tab>/host`` as another host, so none of them passes.
    """
    if not wanted.startswith("/") or wanted.startswith("//") or len(wanted) > _LONGEST:
        return DASHBOARD
    if "\\" in wanted or any(ord(character) <= 0x20 or ord(character) == 0x7F for character in wanted):
        return DASHBOARD
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return DASHBOARD
    if parts.scheme or parts.netloc or parts.path == LOG_IN:
        return DASHBOARD
    return quote(wanted, safe="/?&=%#+:;,@!$'()*~-._[]")


def log_in_address(destination: str) -> str:
    """The log-in page that leads to ``destination`` afterwards."""
    return f"{LOG_IN}?os_destination={quote(destination, safe='')}"
