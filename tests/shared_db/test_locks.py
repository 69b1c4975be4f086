from shared_db import Database


async def test_a_lock_is_held_by_one_node_until_it_is_released(database: Database) -> None:
    assert await database.locks.acquire("index", "node1", 300)
    assert not await database.locks.acquire("index", "node2", 300)
    assert await database.locks.holder("index") == "node1"

    await database.locks.release("index", "node1")

    assert await database.locks.holder("index") is None
    assert await database.locks.acquire("index", "node2", 300)


async def test_the_holder_may_renew_its_lock(database: Database) -> None:
    assert await database.locks.acquire("index", "node1", 300)
    assert await database.locks.acquire("index", "node1", 300)


async def test_an_expired_lock_is_anybodys_and_the_old_holder_cannot_release_it_any_more(database: Database) -> None:
    assert await database.locks.acquire("index", "node1", 300)

    assert await database.locks.acquire("index", "node2", expiry_s=0)
    await database.locks.release("index", "node1")

    assert await database.locks.holder("index") == "node2"


async def test_locks_of_different_names_do_not_know_each_other(database: Database) -> None:
    assert await database.locks.acquire("index", "node1", 300)
    assert await database.locks.acquire("upgrade", "node2", 300)
    assert await database.locks.holder("nobody wants this") is None
