"""The later feature releases of platform 7, each by its newest patch.

Their builds are not in our sources. They are invented after 7.3's: the digits of the version, then a count. Only
their order means anything.
"""

from node.releases.release import with_column

RELEASES = (
    with_column(
        "7.4.6",
        74007,  # invented
        "project.pname_lower",
        "Projects are listed by name without regard to case",
    ),
    with_column(
        "7.6.17",
        76018,  # invented
        "remembermetoken.username_lower",
        "Remembered log-ins are found however a name is written",
    ),
    with_column(
        "7.13.18",
        713018,  # invented
        "project.projecttype",
        "Projects have a type",
    ),
)
