"""Where the files of tests lie: in memory, where there is room for them.

Tests commit many thousand times, and none of them asks what a disk does when the power goes. Run as
`python -m tests.tools.room` it prints the folder, which `make test` gives to pytest.
"""

import os
import tempfile

IN_MEMORY = "/dev/shm"
"""A folder of the system's, in memory on Linux."""
BYTES_MIN = 4 << 30


def folder(wanted: str = IN_MEMORY, bytes_min: int = BYTES_MIN) -> str:
    """The folder in memory, or the usual one: where TMPDIR is set, where too little room is left,
    and where nothing may be executed, which a PostgreSQL of our own needs."""
    usual = tempfile.gettempdir()
    if "TMPDIR" in os.environ or not os.access(wanted, os.W_OK | os.X_OK):
        return usual
    found = os.statvfs(wanted)
    no_programs = found.f_flag & os.ST_NOEXEC
    return usual if no_programs or found.f_bavail * found.f_frsize < bytes_min else wanted


if __name__ == "__main__":
    print(folder())
