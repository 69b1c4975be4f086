"""Style sheet, script and icon, held in memory: aiohttp's own file serving would start threads."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from node.web.access import Access, Route

_FOLDER = Path(__file__).parent.parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PUBLIC = {"Cache-Control": "public, max-age=60"}
"""Short: an upgraded node may bring another style sheet under the same name."""


@dataclass(frozen=True)
class _File:
    body: bytes
    content_type: str

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with the file, or 304 if the browser has this very version."""
        headers = {**_PUBLIC, "ETag": f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self.body, headers=headers, content_type=self.content_type, charset="utf-8")


def static_routes() -> list[Route]:
    """One route a file, so that no path in a request ever becomes a path on the disk."""
    files = sorted(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
    return [
        Route("GET", f"/static/{path.name}", _File(path.read_bytes(), _TYPES[path.suffix]).serve, Access.PUBLIC)
        for path in files
    ]
