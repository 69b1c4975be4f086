"""The later feature releases of platform 7, each by its newest patch.

Their builds are not in our sources. They are invented after 7.3's: the digits of the version, then a count. Only
their order means anything.
"""

from node.releases.release import Release

RELEASES = (
    Release(
        "7.4.6",
        74007,  # invented
        log_lines=("Projects are listed by name without regard to case",),
    ),
    Release(
        "7.6.17",
        76018,  # invented
        log_lines=("Remembered log-ins are found however a name is written",),
    ),
    Release(
        "7.13.18",
        713018,  # invented
        log_lines=("Projects have a type",),
    ),
)
