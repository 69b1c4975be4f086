"""7.3, the first line with zero downtime upgrades.

7.3.8 is build 73019 (public code); patches count up by one, so 7.3.0 is 73011 and 7.3.2 is 73013: inferred.
"""

from node.releases.release import Release, with_column

RELEASES = (
    Release(
        "7.3.0",
        73011,  # inferred
        log_lines=("The first release with zero downtime upgrades for Data Center",),
    ),
    with_column(
        "7.3.1",
        73012,  # inferred
        "jiraissue.creator",
        "Issues remember who created them, whoever reports them later",
    ),
    with_column(
        "7.3.2",
        73013,  # inferred
        "jiraissue.summary_lower",
        "Summaries are searched without regard to case, in every language",
    ),
    with_column(
        "7.3.3",
        73014,  # inferred
        "jiraaction.updateauthor",
        "Comments remember who edited them last",
    ),
    with_column(
        "7.3.4",
        73015,  # inferred
        "project.originalkey",
        "Projects remember the key that they were created with",
    ),
    with_column(
        "7.3.5",
        73016,  # inferred
        "jiraaction.updated",
        "Comments remember when they were edited last",
    ),
    with_column(
        "7.3.6",
        73017,  # inferred
        "changegroup.author_lower",
        "The history is looked up by author without regard to case",
    ),
    with_column(
        "7.3.7",
        73018,  # inferred
        "cwd_user.lower_display_name",
        "People are looked up by display name without regard to case",
    ),
    with_column(
        "7.3.8",
        73019,  # published
        "changeitem.field_lower",
        "The history is looked up by field without regard to case",
    ),
)
