"""The web application of one node: which path leads where, and who may go there."""

from aiohttp import web

from node.services import UpgradeAction
from node.web.access import Access, Route
from node.web.context import CONTEXT, WebContext
from node.web.middlewares import MIDDLEWARES, complete_headers
from node.web.pages import administration, bulk_edit, dashboard, issue_forms, issues, login, projects, upgrades
from node.web.pages.static_files import static_routes
from node.web.rest import cluster, index_summary, node_mode, people, server_info, session, status, zdu
from node.web.rest import issues as rest_issues
from node.web.rest import projects as rest_projects
from node.web.route_table import ACCESS

_API = "/rest/api/2"
_SESSION = "/rest/auth/1/session"
_ZDU = f"{_API}/cluster/zdu"
_NODE_MODE = "/rest/zdu-simulator/1/node/upgradeMode"
_BULK = "/secure/views/bulkedit/BulkEdit"
_UPGRADES = "/secure/admin/JiraUpgrades.jspa"


def _pages() -> list[Route]:
    return [
        Route("GET", "/", dashboard.go_to_dashboard),
        Route("GET", "/login.jsp", login.show_log_in, Access.LOG_IN),
        Route("POST", "/login.jsp", login.log_in, Access.LOG_IN),
        Route("POST", "/secure/Logout.jspa", login.log_out),
        Route("GET", "/secure/Dashboard.jspa", dashboard.show_dashboard),
        Route("GET", "/issues/", issues.list_issues),
        Route("GET", "/browse/{key}", issues.show_issue),
        Route("GET", "/secure/CreateIssue.jspa", issue_forms.show_create),
        Route("POST", "/secure/CreateIssue.jspa", issue_forms.create),
        Route("GET", "/secure/EditIssue.jspa", issue_forms.show_edit),
        Route("POST", "/secure/EditIssue.jspa", issue_forms.edit),
        Route("POST", "/secure/AddComment.jspa", issue_forms.add_comment),
        Route("POST", "/secure/WorkflowUIDispatcher.jspa", issue_forms.transition),
        Route("GET", "/secure/BrowseProjects.jspa", projects.list_projects),
        Route("GET", "/projects/{project}", projects.show_project),
        Route("GET", "/secure/RapidBoard.jspa", projects.show_board),
        *(Route("GET", f"{_BULK}{step}.jspa", show) for step, show in bulk_edit.SHOWN.items()),
        *(Route("POST", f"{_BULK}{step}.jspa", take) for step, take in bulk_edit.TAKEN.items()),
        Route("GET", _UPGRADES, upgrades.show_upgrades, Access.ADMINISTRATOR),
        Route("POST", _UPGRADES, upgrades.act, Access.ADMINISTRATOR),
        Route("GET", "/secure/admin/Clustering.jspa", administration.show_clustering, Access.ADMINISTRATOR),
        Route("GET", "/plugins/servlet/troubleshooting/view", administration.show_health, Access.ADMINISTRATOR),
        Route("GET", "/plugins/servlet/upm", administration.show_apps, Access.ADMINISTRATOR),
    ]


def _resources() -> list[Route]:
    admin = Access.ADMINISTRATOR
    return [
        Route("GET", "/status", status.status, Access.PUBLIC),
        Route("GET", "/ready", status.ready, Access.PUBLIC),
        Route("GET", _SESSION, session.current_session),
        Route("POST", _SESSION, session.log_in, Access.LOG_IN),
        Route("DELETE", _SESSION, session.log_out),
        Route("POST", f"{_API}/issue", rest_issues.create),
        Route("GET", f"{_API}/issue/picker", rest_issues.picker),
        Route("GET", f"{_API}/issue/{{key}}", rest_issues.get),
        Route("PUT", f"{_API}/issue/{{key}}", rest_issues.edit),
        Route("POST", f"{_API}/issue/{{key}}/comment", rest_issues.add_comment),
        Route("GET", f"{_API}/issue/{{key}}/transitions", rest_issues.transitions),
        Route("POST", f"{_API}/issue/{{key}}/transitions", rest_issues.do_transition),
        Route("GET", f"{_API}/search", rest_issues.search),
        Route("GET", f"{_API}/project", rest_projects.all_projects),
        Route("POST", f"{_API}/project", rest_projects.create, admin),
        Route("GET", f"{_API}/project/{{project}}", rest_projects.get),
        Route("PUT", f"{_API}/project/{{project}}", rest_projects.rename, admin),
        Route("GET", f"{_API}/status", rest_projects.all_statuses),
        Route("GET", "/rest/agile/1.0/board", rest_projects.all_boards),
        Route("GET", "/rest/agile/1.0/board/{board}/issue", rest_projects.board_issues),
        Route("GET", f"{_API}/index/summary", index_summary.index_summary, admin),
        Route("DELETE", f"{_API}/user/session/{{username}}", people.end_sessions, admin),
        Route("POST", f"{_API}/group/user", people.add_to_group, admin),
        Route("DELETE", f"{_API}/group/user", people.remove_from_group, admin),
        Route("GET", f"{_API}/serverInfo", server_info.server_info),
        Route("GET", f"{_API}/cluster/nodes", cluster.cluster_nodes, admin),
        Route("POST", f"{_API}/reindex", cluster.reindex, admin),
        Route("PUT", f"{_API}/cluster/node/{{node_id}}/offline", cluster.set_offline, admin),
        Route("DELETE", f"{_API}/cluster/node/{{node_id}}", cluster.delete_node, admin),
        Route("GET", f"{_ZDU}/state", zdu.upgrade_state, admin),
        *(Route("POST", f"{_ZDU}/{wanted.value}", zdu.action(wanted), admin) for wanted in UpgradeAction),
        Route("GET", _NODE_MODE, node_mode.show, admin),
        Route("POST", _NODE_MODE, node_mode.enable, admin),
        Route("DELETE", _NODE_MODE, node_mode.disable, admin),
    ]


def routes() -> list[Route]:
    """Every route of a node."""
    return [*_pages(), *_resources(), *static_routes()]


def build_app(context: WebContext) -> web.Application:
    """The application for one node; nothing in it is shared with another one."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=context.limits.body_bytes)
    app[CONTEXT] = context
    table = routes()
    app[ACCESS] = {route.handler: route.access for route in table}
    for route in table:
        app.router.add_route(route.method, route.path, route.handler)
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, route.handler)
    app.on_response_prepare.append(complete_headers)
    return app
