"""7.3, the first line with zero downtime upgrades.

7.3.8 is build 73019 (public code); patches count up by one, so 7.3.0 is 73011 and 7.3.2 is 73013: inferred.
"""

from node.releases.release import Release

RELEASES = (
    Release(
        "7.3.0",
        73011,  # inferred
        log_lines=("The first release with zero downtime upgrades for Data Center",),
    ),
    Release(
        "7.3.1",
        73012,  # inferred
        log_lines=("Issues remember who created them, whoever reports them later",),
    ),
    Release(
        "7.3.2",
        73013,  # inferred
        expand_steps=("73013-add-jiraissue-summary-lower",),
        upgrade_tasks=("73012-fill-summary-lower", "73013-index-summary-lower"),
        features=frozenset({"summary_lower"}),
        log_lines=("Summaries are searched without regard to case, in every language, once they are filled",),
    ),
    Release(
        "7.3.3",
        73014,  # inferred
        log_lines=("Comments remember who edited them last",),
    ),
    Release(
        "7.3.4",
        73015,  # inferred
        log_lines=("Projects remember the key that they were created with",),
    ),
    Release(
        "7.3.5",
        73016,  # inferred
        log_lines=("Comments remember when they were edited last",),
    ),
    Release(
        "7.3.6",
        73017,  # inferred
        log_lines=("The history is looked up by author without regard to case",),
    ),
    Release(
        "7.3.7",
        73018,  # inferred
        log_lines=("People are looked up by display name without regard to case",),
    ),
    Release(
        "7.3.8",
        73019,  # published
        log_lines=("The history is looked up by field without regard to case",),
    ),
)
