"""OpenTelemetry, when it is wanted: spans are sent as OTLP over HTTP to where OTEL_* say."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from emoticon.domain.generators import Generators
from emoticon.domain.ports import OuterTier
from emoticon.settings import Settings
from emoticon.wiring.machine import StartError

_NAME = "emoticon"


@asynccontextmanager
async def open_tracing(settings: Settings) -> AsyncIterator[None]:
    """Collect spans of this process while this lasts, and send what is left at its end. Raises StartError."""
    if settings.tracing == "off":
        yield
        return
    # Imported only here: a service that is not traced does not pay for it, and need not have it.
    try:
        from opentelemetry import trace  # noqa: PLC0415 - as said
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - as said
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as said
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as said
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as said
    except ImportError:
        raise StartError(
            "EMOTICON_TRACING=on needs the extra: pip install 'emoticon[otel]'"
        ) from None
    named = "OTEL_SERVICE_NAME" in os.environ or "OTEL_RESOURCE_ATTRIBUTES" in os.environ
    resource = Resource.create({} if named else {"service.name": _NAME})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        await asyncio.to_thread(provider.shutdown)


def traced_tiers(tiers: Sequence[OuterTier]) -> Sequence[OuterTier]:
    """Return the tiers with spans around their look-ups."""
    from emoticon.adapters.tracing import TracedTier  # noqa: PLC0415 - as said

    return [TracedTier(tier) for tier in tiers]


def traced_generators(generators: Generators) -> Generators:
    """Return the generators with spans around their drawings."""
    from emoticon.adapters.tracing import TracedGenerator  # noqa: PLC0415 - as said

    named = {name: TracedGenerator(each) for name, each in generators.named.items()}
    return replace(generators, named=named)
