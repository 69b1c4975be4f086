"""Platform 8, each feature release by its newest patch.

8.20.30 is build 820030 (published); from 8 on a build is the digits of its version, which the others follow.
"""

from node.releases.release import with_column

RELEASES = (
    with_column(
        "8.0.3",
        800003,  # invented after 8.20.30
        "jiraissue.archived",
        "Issues can be archived",
    ),
    with_column(
        "8.5.19",
        805019,  # invented after 8.20.30
        "cwd_user.active",
        "People can be deactivated",
    ),
    with_column(
        "8.13.27",
        813027,  # invented after 8.20.30
        "jiraaction.version",
        "Comments count their versions",
    ),
    with_column(
        "8.20.30",
        820030,  # published
        "jiraissue.description_length",
        "Long descriptions are known by their length",
    ),
)
