"""The ``zdu`` command: one group whose sub-commands are imported only when they are called.

Importing a part of the application here would break two promises: that ``zdu`` imports none of the others, and that
``zdu --help`` answers at once.
"""

import sys
import traceback
from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from zdu import __version__
from zdu.errors import ExitCode, first_zdu_error, is_full_disk
from zdu.extended import ExtendedCommand, import_command

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("simulator.cli:run", "Play a scenario on a real cluster and judge it."),
    "report": ("simulator.report_cli:report", "Judge a recorded run again and rewrite its report."),
    "result": ("simulator.result_cli:result", "Print the JSON Schema of result.json, for programs."),
    "up": ("simulator.up.cli:up", "Start a cluster and keep it, to be upgraded by you."),
    "status": ("simulator.up.commands:status", "Show the clusters that are up, and what to do next."),
    "upgrade": ("simulator.up.commands:upgrade", "Lead the upgrade of a cluster that is up."),
    "load": ("simulator.up.commands:people", "Change how many users are at work on it."),
    "play": ("simulator.up.commands:play", "Play a scenario's story on a cluster that is up."),
    "down": ("simulator.up.down:down", "Stop a cluster, and say whether anyone noticed."),
    "replay": ("simulator.replay_cli:replay", "Watch a recorded run again in a browser."),
    "compare": ("simulator.compare_cli:compare", "Put two recorded runs side by side."),
    "compare-lb": ("simulator.compare_lb_cli:compare_lb", "Play a scenario behind one load balancer after another."),
    "certify": ("simulator.certify.cli:certify", "Measure a system of yours while your command upgrades it."),
    "probe": ("simulator.certify.cli:probe", "Probe any URL and tell every outage."),
    "logs": ("simulator.logs_cli:logs", "Print what a node or the load balancer logged, or follow it."),
    "scenario": ("simulator.scenario_cli:scenario", "List, show and check scenario files."),
    "node": ("node.cli:node", "Run one node of a cluster; or stop, start, kill, upgrade one that is up."),
    "lb": ("lb.cli:lb", "Run the load balancer."),
    "calibrate": ("simulator.calibration.cli:calibrate", "Test the instruments: plant faults, see each found."),
    "calibration-target": (
        "simulator.calibration.target:calibration_target",
        "Serve what zdu calibrate plants its faults in.",
    ),
    "control-target": ("simulator.load.control_target:control_target", "Serve what the control probe of a run asks."),
    "demo": ("simulator.demo.cli:demo", "Take a tour of ten minutes, in the terminal and a browser."),
    "lesson": ("simulator.lessons.cli:lesson", "Learn by mending: an exercise, and a check that plays your answer."),
    "fault": ("simulator.fault_cli:fault", "List and explain what can be made to go wrong."),
    "path-proxy": ("simulator.faults.path.process:path_proxy", "Stand between load balancer and nodes, and do harm."),
    "db": ("node.cli:db", "Set up or drop a cluster's database."),
    "doctor": ("zdu.doctor:doctor", "Say what this machine has, and what is missing for which feature."),
    "completion": ("zdu.completion:completion", "Print what makes your shell complete zdu's commands."),
    "help": ("zdu.manual:manual", "Read about zdu, or about one of its commands, page by page."),
}

ON_A_CLUSTER_THAT_IS_UP: dict[str, dict[str, tuple[str, str]]] = {
    "node": {
        "stop": ("simulator.up.commands:stop", "Stop NODE in an orderly way."),
        "start": ("simulator.up.commands:start", "Start NODE, with the version it had or another."),
        "kill": ("simulator.up.commands:kill", "Kill NODE at once, as a power cut does."),
        "pause": ("simulator.up.commands:pause", "Let NODE stand still: nobody answers on its port."),
        "resume": ("simulator.up.commands:resume", "Let a paused NODE go on."),
        "upgrade": ("simulator.up.commands:upgrade_node", "Take NODE out, upgrade it, put it back."),
    }
}
"""Sub-commands that belong to another part of the application than the command itself."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps without importing them."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The commands in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import the command's module and return the command; None if there is none of that name."""
        if name not in COMMANDS:
            return None
        command = import_command(COMMANDS[name][0])
        more = ON_A_CLUSTER_THAT_IS_UP.get(name)
        return ExtendedCommand(command, more, "On a cluster that is up (zdu up)") if more else command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete a command's name from the table, importing nothing: a shell asks at every press of Tab."""
        named = [(name, text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        items = [CompletionItem(name, help=text) for name, text in named]
        return items or click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="zdu")
def zdu() -> None:
    """Rehearse a zero downtime upgrade on this machine.

    Several real node processes share one database behind a real load balancer; users work on while the nodes are
    upgraded one by one. In the end you learn whether anyone noticed.

    \b
    Start here:
      zdu run              the Valiantys test: two nodes, 7.3.0 to 7.3.2
      zdu scenario list    what else can be played
      zdu demo             a guided tour
      zdu lesson           learn by mending what is broken
    """


def run_command_line(main: Callable[..., object] = zdu) -> None:
    """Run ``main`` and exit; errors meant for people become one message and their exit code."""
    try:
        code = main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.Abort:
        code = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except Exception as error:
        code = _tell(error)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(error: Exception) -> ExitCode:
    """Say what went wrong: one message if it is meant for people, the whole traceback if the defect is ours."""
    meant_for_people = first_zdu_error(error)
    if meant_for_people is None and is_full_disk(error):
        click.echo("zdu: the disk is full; its record ends here\nMake room, or give another --out.", err=True)
        return ExitCode.INTERNAL
    if meant_for_people is None:
        traceback.print_exception(error)
        click.echo("zdu: this is a defect of zdu; please report it with the lines above", err=True)
        return ExitCode.INTERNAL
    click.echo(f"zdu: {meant_for_people}", err=True)
    return meant_for_people.exit_code
