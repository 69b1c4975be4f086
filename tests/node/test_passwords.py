import pytest

from node.passwords import hash_password, verify_password

SALT = "00112233445566778899aabbccddeeff"


def test_a_password_is_recognised_by_its_hash() -> None:
    stored = hash_password("wörd", 4, SALT)

    assert verify_password("wörd", stored)
    assert not verify_password("word", stored)
    assert "wörd" not in stored


def test_the_cost_and_salt_it_was_hashed_with_are_used_again() -> None:
    assert verify_password("secret", hash_password("secret", 10, SALT))
    assert hash_password("secret", 4, SALT) != hash_password("secret", 4, SALT[::-1])
    assert hash_password("secret", 4, SALT) != hash_password("secret", 5, SALT)


@pytest.mark.parametrize(
    "stored", ["", "secret", "scrypt$4$00", "md5$4$00$00", "scrypt$x$00$00", "scrypt$4$zz$00", "scrypt$0$00$00"]
)
def test_a_stored_text_that_is_not_a_hash_fits_no_password(stored: str) -> None:
    assert not verify_password("secret", stored)
