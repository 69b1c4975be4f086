"""``zdu replay``: the report of a run, made anew from its record and served to a browser until Ctrl-C."""

import asyncio
import webbrowser
from pathlib import Path

import click
from aiohttp import web

from simulator.conclude import judge_run
from simulator.dashboard.guard import refusal
from simulator.record.finding import find_run
from simulator.report import render_report
from zdu.errors import UsageError
from zdu.process import new_event_loop

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
}
"""The page holds its own style and scripts, and may load nothing."""


@click.command(short_help="Watch a recorded run again in a browser.")
@click.argument("run", default="latest", metavar="[RUN]")
@click.option("--at", "at_s", type=click.FloatRange(0), metavar="SECONDS", help="Begin at this moment of the run.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Where the page is served (any free port).")
@click.option("--open", "open_browser", is_flag=True, help="Open the page in a browser.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs"), help="Where run folders are (runs).")
def replay(run: str, at_s: float | None, port: int, open_browser: bool, out: Path) -> None:
    """Serve the report of RUN, which plays the run, on this machine until Ctrl-C. No cluster is needed.

    RUN is a run's folder, a scenario (its newest run), or latest (the newest of all; the default). It is judged anew
    from its record; nothing in its folder is changed. The page is the same as report.html, which needs no server.

    \b
    Examples:
      zdu replay --open
      zdu replay valiantys --at 7.2
    """
    judged = judge_run(find_run(run, out))
    page = render_report(judged.result, judged.record.envelopes, judged.record.requests)
    moment = "" if at_s is None else f"#t={at_s:g}"
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(page, port, moment, open_browser=open_browser))
    except KeyboardInterrupt:
        click.echo()  # the end that was announced, and no trouble


async def _serve(page: str, port: int, moment: str, *, open_browser: bool) -> None:
    """Serve the page until cancelled. Raises UsageError if the port is taken."""
    runner = web.AppRunner(site(page), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        address = f"http://{HOST}:{runner.addresses[0][1]}/{moment}"
        click.echo(f"{address}\nCtrl-C ends it.")
        if open_browser and not webbrowser.open(address):
            click.echo("There is no browser to open here: take the address to one.", err=True)
        await asyncio.Event().wait()
    except OSError as error:
        raise UsageError(
            f"port {port} on {HOST} cannot be used for the replay: {error.strerror}",
            hint="Name another with --port, or none: any free one is taken then.",
        ) from error
    finally:
        await runner.cleanup()


def site(page: str) -> web.Application:
    """The one page, for whoever calls this machine by a name of its own."""

    async def answer(request: web.Request) -> web.Response:
        refused = refusal("", host=request.host, authorization=None, secret=False)
        if refused:
            return web.Response(status=refused[0], text=f"{refused[1]}\n", headers=_HEADERS)
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)

    app = web.Application()
    app.router.add_get("/", answer)
    return app
