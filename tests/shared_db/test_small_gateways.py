"""Users, remember-me tokens and properties."""

import pytest

from shared_db import AlreadyExists, Database, User, ValueRejected

ADMIN = User("admin", "Administrator", "scrypt$1", administrator=True)
USER = User("User1", "User One", "scrypt$2")


async def test_a_user_is_found_without_regard_to_case(database: Database) -> None:
    await database.users.create_many([ADMIN, USER])

    assert await database.users.get("ADMIN") == ADMIN
    assert await database.users.get("user1") == USER
    assert await database.users.count() == 2


@pytest.mark.parametrize("username", ["nobody", "", "a\x00b", "\ud800"])
async def test_an_unknown_user_is_none(database: Database, username: str) -> None:
    assert await database.users.get(username) is None


async def test_users_are_created_all_or_none(database: Database) -> None:
    await database.users.create_many([ADMIN])

    with pytest.raises(AlreadyExists):
        await database.users.create_many([USER, User("Admin", "Another", "scrypt$3")])

    assert await database.users.count() == 1


async def test_a_name_that_cannot_be_stored_is_refused_alike_everywhere(database: Database) -> None:
    for name in ("a\x00b", "\ud800", "x" * 256):
        with pytest.raises(ValueRejected):
            await database.users.create_many([User(name, name, "scrypt$3")])


async def test_creating_no_users_is_fine(database: Database) -> None:
    await database.users.create_many([])
    assert await database.users.count() == 0


async def test_a_remember_me_token_names_its_user_only_with_the_right_hash(database: Database) -> None:
    mine = await database.remember_me.create("user1", "hash-1", 60)
    other = await database.remember_me.create("user2", "hash-2", 60)

    assert await database.remember_me.find(mine, "hash-1") == "user1"
    assert await database.remember_me.find(mine, "hash-2") is None
    assert await database.remember_me.find(other, "hash-2") == "user2"
    assert await database.remember_me.find(other + 1, "hash-2") is None


@pytest.mark.parametrize(("token_id", "token_hash"), [(-1, "hash"), (0, "hash"), (2**70, "hash"), (1, "a\x00")])
async def test_a_forged_remember_me_cookie_finds_nobody(database: Database, token_id: int, token_hash: str) -> None:
    await database.remember_me.create("user1", "hash", 60)

    assert await database.remember_me.find(token_id, token_hash) is None
    await database.remember_me.delete(token_id + 2**63)


async def test_an_expired_remember_me_token_is_nobodys_and_is_cleared_away(database: Database) -> None:
    token_id = await database.remember_me.create("user1", "hash", 0)

    assert await database.remember_me.find(token_id, "hash") is None
    assert await database.remember_me.create("user1", "another", 60) > 0


async def test_after_a_sign_out_the_remember_me_token_is_gone(database: Database) -> None:
    token_id = await database.remember_me.create("user1", "hash", 60)

    await database.remember_me.delete(token_id)

    assert await database.remember_me.find(token_id, "hash") is None


async def test_a_property_can_be_set_and_set_again(database: Database) -> None:
    assert await database.properties.get("jira.version.patched") is None
    for build in ("73011", "73013"):
        await database.properties.set("jira.version.patched", build)
        assert await database.properties.get("jira.version.patched") == build


async def test_a_property_that_is_there_is_not_created_again(database: Database) -> None:
    assert await database.properties.get_or_create("secret", "first") == "first"
    assert await database.properties.get_or_create("secret", "second") == "first"


async def test_an_empty_property_is_still_a_property(database: Database) -> None:
    await database.properties.set("note", "")
    assert await database.properties.get("note") == ""
    assert await database.properties.get_or_create("note", "other") == ""


async def test_a_remember_me_token_is_revoked_only_by_whoever_shows_it(database: Database) -> None:
    number = await database.remember_me.create("user1", "hash", 60)

    await database.remember_me.revoke(number, "another")
    await database.remember_me.revoke(number, "\x00")
    await database.remember_me.revoke(2**70, "hash")
    assert await database.remember_me.find(number, "hash") == "user1"

    await database.remember_me.revoke(number, "hash")
    assert await database.remember_me.find(number, "hash") is None


async def test_a_token_that_is_forgotten_twice_takes_no_other_with_it(database: Database) -> None:
    first = await database.remember_me.create("user1", "hash-1", 60)
    await database.remember_me.delete(first)
    second = await database.remember_me.create("user2", "hash-2", 60)
    await database.remember_me.delete(first)

    assert await database.remember_me.find(second, "hash-2") == "user2"
