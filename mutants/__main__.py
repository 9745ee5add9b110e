"""Plants each mistake in a copy of the tree and runs its tests: one that passes has survived, and none may.

    python3 run.py mutants [NAME…]      all of them, or these

The working tree is never touched. Exit status 0: all killed; 1: some survived; 2: a mutant does not fit the code any
more, or its tests could not run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutants.planted import PLANTED, Mutant

ROOT = Path(__file__).resolve().parent.parent
JOBS = 2
TESTS_FAILED, TESTS_PASSED = 1, 0
LIMIT_SECONDS = 900


def main() -> int:
    """Hunt, print each verdict as it falls, then `killed / planted` and the survivors."""
    parser = argparse.ArgumentParser(prog="run.py mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default: all)")
    names = parser.parse_args().names
    unknown = sorted(set(names) - {mutant.name for mutant in PLANTED})
    if unknown:
        parser.error(f"no such mutant: {', '.join(unknown)}")
    chosen = [mutant for mutant in PLANTED if not names or mutant.name in names]
    with ThreadPoolExecutor(JOBS) as pool:
        verdicts = dict(zip((m.name for m in chosen), pool.map(_hunt_and_tell, chosen), strict=True))
    survivors = [name for name, verdict in verdicts.items() if verdict == "survived"]
    broken = [name for name, verdict in verdicts.items() if verdict not in ("killed", "survived")]
    print(f"{len(chosen) - len(survivors) - len(broken)} killed / {len(chosen)} planted")
    for title, found in (("Survivors", survivors), ("Could not run", broken)):
        if found:
            print(f"{title}: {', '.join(found)}")
    return 2 if broken else 1 if survivors else 0


def _hunt_and_tell(mutant: Mutant) -> str:
    began = time.monotonic()
    verdict = hunt(mutant)
    print(f"{verdict:9} {mutant.name}  ({time.monotonic() - began:.0f} s)", flush=True)
    return verdict


def hunt(mutant: Mutant) -> str:
    """`killed`, `survived`, or why the tests could not say."""
    with tempfile.TemporaryDirectory(prefix="saldo-mutant-") as folder:
        copy = Path(folder)
        _copy_tree(copy)
        file = copy / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.old) != 1:
            return "misfit"
        file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        command += ["-m", "not slow and not browser", *mutant.tests]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            ended = subprocess.run(
                command, cwd=copy, env=environment, capture_output=True, timeout=LIMIT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return "killed"  # it hangs, which no one would let pass
    return {TESTS_FAILED: "killed", TESTS_PASSED: "survived"}.get(ended.returncode, f"exit {ended.returncode}")


def _copy_tree(target: Path) -> None:
    """What git knows of, as it stands in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


if __name__ == "__main__":
    sys.exit(main())
