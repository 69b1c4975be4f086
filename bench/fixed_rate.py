"""A process of its own that loads a port at a fixed rate and prints what came of it as JSON."""

import argparse
import asyncio
import json
from dataclasses import asdict

import uvloop

from bench.common.open_loop import OpenLoop
from bench.common.tables import percentile


def browser_request(port: int, n: int) -> bytes:
    """What ``browser.lua`` sends: the header fields of Chromium, other values in each request."""
    session = f"{(n * 2654435761) % 5000:032X}"
    return (
        f"GET /rest/api/2/issue/ZDU-{n % 997}?fields=summary,status,assignee&_=14888802{n} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\nConnection: keep-alive\r\n"
        'sec-ch-ua-platform: "Linux"\r\nX-Requested-With: XMLHttpRequest\r\n'
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 "
        "Safari/537.36\r\nAccept: application/json, text/javascript, */*; q=0.01\r\n"
        'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"\r\nsec-ch-ua-mobile: ?0\r\n'
        "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
        f"Referer: http://127.0.0.1:{port}/browse/ZDU-{n % 997}?page={n}\r\n"
        "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
        f"Cookie: JSESSIONID={session}; ROUTEID=.node{(n * 2654435761) % 5000 % 2 + 1}; "
        f"atlassian.xsrf.token=BP8Q-WXN6|{session[8:]}|lin\r\n\r\n"
    ).encode()


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, default=2000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()

    async def run() -> dict[str, object]:
        loop = OpenLoop(options.port, options.rate, options.seconds, lambda n: browser_request(options.port, n),
                        options.connections, max(1024, options.connections))  # fmt: skip
        result = await loop.run()
        numbers = asdict(result)
        late = numbers.pop("lateness_ms")
        numbers.pop("latencies_ms")
        quantiles = {f"p{share * 100:g}_ms": result.quantile_ms(share) for share in (0.5, 0.9, 0.99, 0.999, 1)}
        return {**numbers, **quantiles, "late_p99_ms": percentile(late, 0.99), "complaint": result.complaint()}

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run())))


if __name__ == "__main__":
    main()
