"""Platforms 9 and 10, each feature release by its newest patch known.

9.4.30 is build 940030 and 9.12.24 is 9120024 (published); 10.3.5 follows their pattern.
"""

from node.releases.release import Release

RELEASES = (
    Release(
        "9.4.30",
        940030,  # published
        log_lines=("Long comments are known by their length",),
    ),
    Release(
        "9.12.24",
        9120024,  # published
        log_lines=("Changes of issues count their versions",),
    ),
    Release(
        "10.3.5",
        10030005,  # inferred
        log_lines=("Remembered log-ins say how their token is kept",),
    ),
)
