"""`python -m bench.unobserved`: `emoticon serve` that counts and logs no request, to measure beside the real one."""

from emoticon.__main__ import main
from emoticon.web.access_log import AccessLog
from emoticon.web.requests import Requests


def _nothing(*_: object) -> None:
    return


if __name__ == "__main__":
    Requests.count = _nothing  # type: ignore[assignment,method-assign]  # left out, so as to see what it costs
    AccessLog.write = _nothing  # type: ignore[assignment,method-assign]  # as well
    main()
