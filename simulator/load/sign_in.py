"""Signing in through the log-in page, as a stranger."""

from simulator.load.client import Answer, RecordingClient
from simulator.load.judge import Expected


async def sign_in(client: RecordingClient, username: str, *, remember_me: bool) -> Answer:
    """Open the log-in page and send its form; the last answer tells how it went. The password is the name."""
    client.forget_cookies()
    page = await client.send("open_login", "GET", "/login.jsp", Expected(page="login"))
    if not page.ok:
        return page
    form = {"os_username": username, "os_password": username, "os_destination": ""}
    if remember_me:
        form["os_cookie"] = "true"
    return await client.send(
        "sign_in", "POST", "/login.jsp", Expected(status=302, location="/secure/Dashboard.jspa"), form=form
    )
