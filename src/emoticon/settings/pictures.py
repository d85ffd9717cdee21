"""How pictures are drawn, and where they are kept."""

from pydantic import BaseModel, Field

from emoticon.settings.values import Count, SharedTierUrl


class PictureSettings(BaseModel):
    """A part of Settings."""

    draw_threads: int = Field(
        0, ge=0, le=256, description="Threads that draw, per process; 0 is one for each core."
    )
    draw_queue: Count = Field(
        256, description="Pictures that wait to be drawn, per process; one more gets 503."
    )
    draw_deadline_s: float = Field(
        10, ge=0.1, le=300, description="Seconds after which a drawing is given up."
    )
    memory_tier_bytes: int = Field(
        64 * 2**20, ge=2**20, description="Pictures kept in memory, per process, in bytes."
    )
    shared_tier_url: SharedTierUrl | None = Field(
        None,
        description="Valkey or Redis that keeps pictures for all nodes: `redis://host:port/db`, for a cluster"
        " `redis+cluster://host:port`; `off` for none. Best one of its own that evicts, as deploy/valkey.conf has it;"
        " default REDIS_URL.",
    )
    shared_tier_timeout_ms: int = Field(
        50,
        ge=1,
        le=5000,
        description="Milliseconds after which a question to it is given up: drawing is faster than waiting.",
    )
    disk_tier_bytes: int = Field(2**30, ge=2**20, description="Pictures kept on disk, in bytes.")
