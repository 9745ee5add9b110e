"""A server process of its own that delivers one event many times at once: `deliver.py FILE TIMES`.

Prints the status codes as JSON. Settings come from the environment.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app import create_app
from tests.stripe_world import post


def main() -> None:
    body, times = Path(sys.argv[1]).read_bytes(), int(sys.argv[2])
    app = create_app()
    print("ready", flush=True)
    sys.stdin.readline()
    with ThreadPoolExecutor(times) as threads:
        statuses = list(threads.map(lambda _: post(app, body).status_code, range(times)))
    print(json.dumps(statuses), flush=True)


if __name__ == "__main__":
    main()
