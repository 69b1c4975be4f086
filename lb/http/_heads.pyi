# What _heads.c offers.

ScannedRequest = tuple[bytes, bytes, bool, bytes, list[tuple[int, bytes]], int]
ScannedResponse = tuple[bytes, bytes, list[tuple[int, bytes]], int]

class Heads:
    def __new__(
        cls,
        names: tuple[tuple[bytes, bool], ...],
        underscores: bool,
        header_bytes: int,
        target_bytes: int,
        header_count: int,
    ) -> Heads: ...
    def request(self, data: bytes, whole: bool, /) -> ScannedRequest | None: ...
    def response(self, data: bytes, whole: bool, /) -> ScannedResponse | None: ...
