"""Platform 8, each feature release by its newest patch.

8.20.30 is build 820030 (published); from 8 on a build is the digits of its version, which the others follow.
"""

from node.releases.release import Release

RELEASES = (
    Release(
        "8.0.3",
        800003,  # invented after 8.20.30
        log_lines=("Issues can be archived",),
    ),
    Release(
        "8.5.19",
        805019,  # invented after 8.20.30
        log_lines=("People can be deactivated",),
    ),
    Release(
        "8.13.27",
        813027,  # invented after 8.20.30
        log_lines=("Comments count their versions",),
    ),
    Release(
        "8.20.30",
        820030,  # published
        log_lines=("Long descriptions are known by their length",),
    ),
)
