"""Password hashes: scrypt, with its cost and salt kept in the stored text.

scrypt holds up the event loop for as long as it takes (about 8 ms at cost 12, twice as long with each step), which is
why the cost is configuration: a rehearsal with hundreds of log-ins on two cores wants it low. Parameters: RFC 7914.
"""

import hashlib
import hmac

_SCHEME = "scrypt"
_BLOCK_SIZE = 8
_PARALLEL = 1
_KEY_BYTES = 32


def hash_password(password: str, cost: int, salt_token: str) -> str:
    """The text to store: ``scrypt$<log2 N>$<salt>$<key>``. ``salt_token``: new for each, hexadecimal."""
    return "$".join((_SCHEME, str(cost), salt_token, _derive(password, cost, bytes.fromhex(salt_token)).hex()))


def verify_password(password: str, stored: str) -> bool:
    """Whether ``password`` is the one that was hashed. A stored text that is not ours fits no password."""
    try:
        scheme, cost, salt, key = stored.split("$")
        if scheme != _SCHEME:
            return False
        return hmac.compare_digest(_derive(password, int(cost), bytes.fromhex(salt)), bytes.fromhex(key))
    except ValueError:
        return False


def _derive(password: str, cost: int, salt: bytes) -> bytes:
    n = 2**cost
    return hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=n,
        r=_BLOCK_SIZE,
        p=_PARALLEL,
        maxmem=256 * n * _BLOCK_SIZE + 1024 * 1024,
        dklen=_KEY_BYTES,
    )
