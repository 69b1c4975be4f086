"""Build hook: the wheel ships one top-level name, ``zdu``.

Five generic names (``node``, ``lb``, ``tests``' neighbours …) in site-packages would shadow the packages of the
people who install us, so a wheel carries those folders below ``zdu/_app`` and ``zdu.app_path`` puts that first on
``sys.path`` of our own processes. An editable install must not copy anything, hence a hook and not the static
``force-include``, which would leave a stale copy there.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("shared_db", "node", "lb", "simulator", "scenarios")


class BundleTheApp(BuildHookInterface[Any]):
    """Adds the application's folders below ``zdu/_app`` to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it writes the archive; ``version`` is ``standard`` or ``editable``."""
        if version == "standard":
            build_data["force_include"].update({folder: f"zdu/_app/{folder}" for folder in FOLDERS})
