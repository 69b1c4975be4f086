"""From the record of a run to a page that people can read, print and pass on."""

from simulator.report.render import render_report

__all__ = ["render_report"]
