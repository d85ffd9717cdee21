"""A span for each request, and its trace in the log. Imported only when requests are traced."""

from typing import Final

import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emoticon.web.addresses import ClientAddress
from emoticon.web.requests import METHODS, OTHER, route_of

_ERROR_STATUS: Final = 500


class Traced:
    """Around everything else, so that every line that is logged for a request names its trace.

    A trace that a stranger sends is not continued: only trusted proxies may say which requests belong together, and
    which are recorded. No span holds a path, a query or an address, for they name people.
    """

    def __init__(self, app: ASGIApp, *, address: ClientAddress) -> None:
        self._app = app
        self._address = address
        self._tracer = trace.get_tracer("emoticon")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _ERROR_STATUS  # of a request that ends without an answer of its own

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"] if scope["method"] in METHODS else OTHER
        with self._tracer.start_as_current_span(
            method,
            self._parent(scope),
            SpanKind.SERVER,
            {"http.request.method": method},
            record_exception=False,  # its text may hold what was sent
            set_status_on_exception=False,
        ) as span:
            context = span.get_span_context()
            with structlog.contextvars.bound_contextvars(
                trace_id=trace.format_trace_id(context.trace_id),
                span_id=trace.format_span_id(context.span_id),
            ):
                try:
                    await self._app(scope, receive, send_on)
                finally:
                    route = route_of(scope)
                    span.update_name(f"{method} {route}")
                    span.set_attributes({"http.route": route, "http.response.status_code": status})
                    if status >= _ERROR_STATUS:
                        span.set_status(StatusCode.ERROR)

    def _parent(self, scope: Scope) -> Context | None:
        if not self._address.from_proxy(scope):
            return Context()
        return propagate.extract(Headers(scope=scope))
