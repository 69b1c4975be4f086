"""The columns that the releases add, oldest first: what is different in the SQL of one release and the next.

Names are Jira's where Jira has such a column (``creator``, ``updateauthor``, ``updated``, ``originalkey``,
``lower_display_name``, ``projecttype``, ``archived``, ``active``); when it came, and the other columns, are invented.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, String

from shared_db.steps.added_column import AddedColumn


def _lower(value: Any) -> str:
    return str(value).lower()


COLUMNS = (
    AddedColumn(73012, "jiraissue", "creator", String(255), source="reporter"),
    AddedColumn(73013, "jiraissue", "summary_lower", String(), source="summary", make=_lower, follows=True),
    AddedColumn(73014, "jiraaction", "updateauthor", String(255), source="author"),
    AddedColumn(73015, "project", "originalkey", String(255), source="pkey"),
    AddedColumn(73016, "jiraaction", "updated", BigInteger(), source="created"),
    AddedColumn(73017, "changegroup", "author_lower", String(), source="author", make=_lower, follows=True),
    AddedColumn(73018, "cwd_user", "lower_display_name", String(), source="display_name", make=_lower, follows=True),
    AddedColumn(73019, "changeitem", "field_lower", String(), source="field", make=_lower, follows=True),
    AddedColumn(74007, "project", "pname_lower", String(), source="pname", make=_lower, follows=True),
    AddedColumn(76018, "remembermetoken", "username_lower", String(), source="username", make=_lower, follows=True),
    AddedColumn(713018, "project", "projecttype", String(255), constant="software"),
    AddedColumn(800003, "jiraissue", "archived", String(1), constant="N"),
    AddedColumn(805019, "cwd_user", "active", Boolean(), constant=True),
    AddedColumn(813027, "jiraaction", "version", Integer(), constant=1),
    AddedColumn(820030, "jiraissue", "description_length", Integer(), source="description", make=len, follows=True),
    AddedColumn(940030, "jiraaction", "body_length", Integer(), source="actionbody", make=len, follows=True),
    AddedColumn(9120024, "changegroup", "version", Integer(), constant=1),
    AddedColumn(10030005, "remembermetoken", "token_hash", String(60), constant="sha256"),
)

SUMMARY_LOWER = next(column for column in COLUMNS if column.name == "summary_lower")
"""The one that the search needs."""
