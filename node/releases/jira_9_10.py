"""Platforms 9 and 10, each feature release by its newest patch known.

9.4.30 is build 940030 and 9.12.24 is 9120024 (published); 10.3.5 follows their pattern.
"""

from node.releases.release import with_column

RELEASES = (
    with_column(
        "9.4.30",
        940030,  # published
        "jiraaction.body_length",
        "Long comments are known by their length",
    ),
    with_column(
        "9.12.24",
        9120024,  # published
        "changegroup.version",
        "Changes of issues count their versions",
    ),
    with_column(
        "10.3.5",
        10030005,  # inferred
        "remembermetoken.token_hash",
        "Remembered log-ins say how their token is kept",
    ),
)
