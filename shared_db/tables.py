"""The tables, as the oldest release (7.3.0) creates them; later releases add to them by ``shared_db.steps``.

Names and columns are those of a real Jira Data Center schema, without the many columns that nothing here needs; what
is invented says so. As in Jira there are no foreign keys. Jira's ``numeric(18)`` is a 64-bit integer here; moments
are milliseconds of the database's clock everywhere, also where Jira has a ``timestamp``.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from shared_db.rows import SUMMARY_MAX_LENGTH

_Big = BigInteger()
# SQLite numbers rows by itself only in a column of exactly the type INTEGER.
_Id = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=True)


clusternode = Table(
    "clusternode",
    metadata,
    Column("node_id", String(60), primary_key=True),
    Column("node_state", String(60), nullable=False),
    Column("timestamp", _Big, nullable=False),
    Column("ip", String(60), nullable=False),
    Column("cache_listener_port", _Big, nullable=False),
    Column("node_build_number", _Big, nullable=False),
    Column("node_version", String(60), nullable=False),
)

clusternodeheartbeat = Table(
    "clusternodeheartbeat",
    metadata,
    Column("node_id", String(60), primary_key=True),
    Column("heartbeat_time", _Big, nullable=False),
    Column("database_time", _Big, nullable=False),
)

# Invented: how Jira's nodes learn of each other's load and memory is not publicly known.
nodefigures = Table(
    "nodefigures",
    metadata,
    Column("node_id", String(60), primary_key=True),
    Column("application_state", String(60), nullable=False),
    Column("load_average", Float(53), nullable=False),
    Column("memory_bytes", _Big, nullable=False),
    Column("uptime_seconds", Float(53), nullable=False),
)

clusterupgradestate = Table(
    "clusterupgradestate",
    metadata,
    _id(),
    Column("database_time", _Big, nullable=False),
    Column("cluster_build_number", _Big, nullable=False),
    Column("cluster_version", String(60), nullable=False),
    Column("state", String(60), nullable=False),
    Column("order_number", _Big, nullable=False),
    UniqueConstraint("order_number", name="uk_clusterupgradestate_order"),
)

clusterlockstatus = Table(
    "clusterlockstatus",
    metadata,
    _id(),
    Column("lock_name", String(255), nullable=False),
    Column("locked_by_node", String(60)),
    Column("update_time", _Big, nullable=False),
    UniqueConstraint("lock_name", name="uk_clusterlockstatus_name"),
)

# Readers remember the last id they have seen. Without this, SQLite would begin below it again once all are purged.
_IDS_NEVER_COME_AGAIN: dict[str, Any] = {"sqlite_autoincrement": True}

# What the nodes tell each other, such as "forget what you have cached of it"; ``destination_node`` is ALL, a
# node's id, or ANY: then the one node in ``claimed_by_node`` has taken it on.
clustermessage = Table(
    "clustermessage",
    metadata,
    _id(),
    Column("source_node", String(60)),
    Column("destination_node", String(60)),
    Column("claimed_by_node", String(60)),
    Column("message", String(255)),
    Column("message_time", _Big),
    **_IDS_NEVER_COME_AGAIN,
)

# The index journal: each node replays the others' operations on its own index, and counts how far it has come.
nodeindexcounter = Table(
    "nodeindexcounter",
    metadata,
    _id(),
    Column("node_id", String(60)),
    Column("sending_node_id", String(60)),
    Column("index_operation_id", _Big),
    UniqueConstraint("node_id", "sending_node_id", name="uk_nodeindexcounter"),
)

replicatedindexoperation = Table(
    "replicatedindexoperation",
    metadata,
    _id(),
    Column("index_time", _Big),
    Column("node_id", String(60)),
    Column("affected_index", String(60)),
    Column("entity_type", String(60)),
    Column("affected_ids", Text),
    Column("operation", String(60)),
    Column("filename", String(255)),
    **_IDS_NEVER_COME_AGAIN,
)

cwd_user = Table(
    "cwd_user",
    metadata,
    _id(),
    Column("user_name", String(255), nullable=False),
    Column("lower_user_name", String(255), nullable=False),
    Column("display_name", String(255), nullable=False),
    Column("credential", String(255), nullable=False),
    # Invented: in Jira, administrators are the members of a group.
    Column("administrator", Boolean, nullable=False),
    UniqueConstraint("lower_user_name", name="uk_cwd_user_lower_name"),
)

remembermetoken = Table(
    "remembermetoken",
    metadata,
    _id(),
    Column("created", _Big, nullable=False),
    Column("token", String(255), nullable=False),
    Column("username", String(255), nullable=False),
    # Invented: Jira adds a token's life to ``created`` when it reads it.
    Column("expires", _Big, nullable=False),
    **_IDS_NEVER_COME_AGAIN,  # who signs out twice at once must not sign out whoever has signed in between
)

# Invented: sessions that all nodes share are what people wish for; Jira keeps them in one node's memory. Written only
# where the configuration says so. ``work`` is what a half-done task, such as a bulk edit, needs to go on.
sharedsession = Table(
    "sharedsession",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("username", String(255), nullable=False),
    Column("xsrf_token", String(64), nullable=False),
    Column("remember_me_id", _Big),
    Column("last_used", _Big, nullable=False),
    Column("work", Text, nullable=False),
    Index("sharedsession_username", "username"),
)

project = Table(
    "project",
    metadata,
    _id(),
    Column("pkey", String(60), nullable=False),
    Column("pname", String(255), nullable=False),
    Column("lead", String(255), nullable=False),
    Column("pcounter", _Big, nullable=False),
    UniqueConstraint("pkey", name="uk_project_key"),
)

issuestatus = Table(
    "issuestatus",
    metadata,
    Column("id", String(60), primary_key=True),
    Column("sequence", _Big, nullable=False),
    Column("pname", String(60), nullable=False),
    Column("statuscategory", _Big, nullable=False),
)

jiraissue = Table(
    "jiraissue",
    metadata,
    _id(),
    Column("project", _Big, nullable=False),
    Column("issuenum", _Big, nullable=False),
    Column("reporter", String(255), nullable=False),
    Column("summary", String(SUMMARY_MAX_LENGTH), nullable=False),
    Column("description", Text, nullable=False),
    Column("issuestatus", String(60), nullable=False),
    Column("resolution", String(60)),
    Column("created", _Big, nullable=False),
    Column("updated", _Big, nullable=False),
    UniqueConstraint("project", "issuenum", name="uk_jiraissue_number"),
)

jiraaction = Table(
    "jiraaction",
    metadata,
    _id(),
    Column("issueid", _Big, nullable=False),
    Column("author", String(255), nullable=False),
    Column("actiontype", String(60), nullable=False),
    Column("actionbody", Text, nullable=False),
    Column("created", _Big, nullable=False),
    Index("action_issue", "issueid", "actiontype"),
)

changegroup = Table(
    "changegroup",
    metadata,
    _id(),
    Column("issueid", _Big, nullable=False),
    Column("author", String(255), nullable=False),
    Column("created", _Big, nullable=False),
    Index("chggroup_issue_id", "issueid"),
)

changeitem = Table(
    "changeitem",
    metadata,
    _id(),
    Column("groupid", _Big, nullable=False),
    Column("fieldtype", String(255), nullable=False),
    Column("field", String(255), nullable=False),
    Column("oldstring", Text, nullable=False),
    Column("newstring", Text, nullable=False),
    Index("chgitem_group_id", "groupid"),
)

# Jira Software keeps its boards in tables of the same names with a prefix for the add-on (``AO_60DB71_RAPIDVIEW``);
# without it, names need no quotes. Invented: a board shows one project, a column one status.
rapidview = Table(
    "rapidview",
    metadata,
    _id(),
    Column("name", String(255), nullable=False),
    Column("project", _Big, nullable=False),
    UniqueConstraint("project", "name", name="uk_rapidview_name"),
)

rapidviewcolumn = Table(
    "rapidviewcolumn",
    metadata,
    _id(),
    Column("rapid_view_id", _Big, nullable=False),
    Column("name", String(255), nullable=False),
    Column("pos", _Big, nullable=False),
    Column("status_id", String(60), nullable=False),
    UniqueConstraint("rapid_view_id", "pos", name="uk_rapidviewcolumn_pos"),
)

propertyentry = Table(
    "propertyentry",
    metadata,
    _id(),
    Column("entity_name", String(255), nullable=False),
    Column("entity_id", _Big, nullable=False),
    Column("property_key", String(255), nullable=False),
    # Invented: Jira keeps the value in a table for each type of value (``propertystring``, ``propertynumber``, ...).
    Column("propertyvalue", Text, nullable=False),
    UniqueConstraint("entity_name", "entity_id", "property_key", name="uk_propertyentry"),
)

# Jira has a table of this name; its columns are not publicly known, these are invented.
upgradehistory = Table(
    "upgradehistory",
    metadata,
    _id(),
    Column("step_name", String(255), nullable=False),
    Column("step_kind", String(60), nullable=False),
    Column("applied", _Big, nullable=False),
    UniqueConstraint("step_name", name="uk_upgradehistory_step"),
)
