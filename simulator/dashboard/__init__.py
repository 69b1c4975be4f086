"""The dashboard: one page that shows a cluster live, and the control port that serves it and takes commands."""
