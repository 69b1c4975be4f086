from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.databases import DatabaseTarget
from tests.support.runtimes import RuntimeCluster, runtime_cluster


@pytest.fixture
async def cluster(database_target: DatabaseTarget, tmp_path: Path) -> AsyncIterator[RuntimeCluster]:
    async with runtime_cluster(database_target, tmp_path) as cluster:
        yield cluster


@pytest.fixture
async def blog_cluster(database_target: DatabaseTarget, tmp_path: Path) -> AsyncIterator[RuntimeCluster]:
    """A cluster by the blog's rule: MIXED as soon as a node has been taken out."""
    async with runtime_cluster(database_target, tmp_path, mixed_when="removed") as cluster:
        yield cluster
