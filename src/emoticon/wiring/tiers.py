"""The tiers: memory, the ones that outlive a process, and what decides between them."""

from emoticon.adapters.tiers.disk import DiskTier
from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.admission import Admission
from emoticon.domain.ports import Clock, OuterTier, Turns
from emoticon.domain.tiers import Tiers
from emoticon.settings import Settings
from emoticon.wiring.tracing import traced_tiers

PICTURES_FILE = "pictures.sqlite3"


def open_tiers(settings: Settings, clock: Clock, *, traced: bool = False) -> Tiers:
    """Return all tiers; whoever takes them closes them. `traced` needs the extra, see `open_tracing`."""
    outer, turns = _outer(settings, clock)
    return Tiers(
        MemoryTier(settings.memory_tier_bytes),
        traced_tiers(outer) if traced else outer,
        Admission.beside(settings.memory_tier_bytes),
        turns,
        clock=clock,
    )


def open_outer_tiers(settings: Settings, clock: Clock) -> list[OuterTier]:
    """Return the tiers that outlive this process, nearest first. They are opened when they are first used."""
    return _outer(settings, clock)[0]


def _outer(settings: Settings, clock: Clock) -> tuple[list[OuterTier], Turns | None]:
    disk = DiskTier(
        settings.data_dir / PICTURES_FILE, max_bytes=settings.disk_tier_bytes, clock=clock
    )
    if settings.shared_tier is None:
        return [disk], None
    # What speaks to Valkey is imported only where it is used: it costs a start time and memory.
    from emoticon.adapters.tiers.shared import SharedTier  # noqa: PLC0415 - as said
    from emoticon.adapters.tiers.turns import RedisTurns  # noqa: PLC0415 - as said

    shared = SharedTier(
        settings.shared_tier, clock, timeout_s=settings.shared_tier_timeout_ms / 1000
    )
    return [shared, disk], RedisTurns(shared.valkey)
