"""``python -P -m zdu …``: the same command line as the ``zdu`` script, and how every child process is started."""

from zdu.app_path import add_app_path


def main() -> None:
    """Run the command line and exit with its exit code."""
    add_app_path()
    from zdu.cli import run_command_line  # noqa: PLC0415 - the path has to be in place first

    run_command_line()


if __name__ == "__main__":
    main()
