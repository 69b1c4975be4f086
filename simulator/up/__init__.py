"""``zdu up``: a cluster that stays, and is commanded from another terminal or from the dashboard."""
