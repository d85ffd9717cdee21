"""What the service and the nursery tell each other: records of fixed length on one socket."""

import struct
from typing import Final

ORDER: Final = struct.Struct("!cI")
"""What to do, and the number of a process. A descriptor comes along where one is to be born."""
REPORT: Final = struct.Struct("!Ii")
"""The number of a process that has ended, and its status as `os.waitpid` has it."""
BEAR, KILL = b"b", b"k"
READY: Final = 0
"""The number in the first report: the nursery has loaded what it needs."""
