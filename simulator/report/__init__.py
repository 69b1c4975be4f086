"""From the record of a run to a page that people can read, print and pass on."""

from simulator.report.render import render_report
from simulator.report.render_comparison import compare_records, render_comparison

__all__ = ["compare_records", "render_comparison", "render_report"]
