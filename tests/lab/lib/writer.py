"""Writes to a file on the volume and syncs it, ten times per second, until the second file is there: writer.py FILE STOP.

In the end prints WRITES FAILED LONGEST, the last one in seconds. A file that is lost hold of is opened again.
"""

import os
import sys
import time

path, stop = sys.argv[1:]
file, writes, failed, longest = None, 0, 0, 0.0
since = time.monotonic()
while not os.path.exists(stop):
    try:
        if file is None:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(file, b"x" * 1000)
        os.fsync(file)
        writes += 1
        # From one success to the next: a write that fails at once is a stall as well.
        longest = max(longest, time.monotonic() - since)
        since = time.monotonic()
    except OSError as error:
        print(f"{path}: {error}", file=sys.stderr)
        failed += 1
        try:
            os.close(file)
        except (OSError, TypeError):
            pass
        file = None
    time.sleep(0.1)
longest = max(longest, time.monotonic() - since)
print(writes, failed, f"{longest:.1f}")
