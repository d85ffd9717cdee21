"""What `emoticon cache simulate` says: as text, as JSON, as curves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emoticon.cli.access_logs import Recorded
from emoticon.cli.cache_reports import size, table
from emoticon.cli.plots import Panel, Scale, draw
from emoticon.domain.prices import Bill
from emoticon.domain.simulation import Comparison, Outcome

_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Row:
    """A policy with so much RAM."""

    ram_bytes: int
    policy: str
    outcome: Outcome
    bill: Bill

    @property
    def inserts(self) -> int:
        """How often something was written into its outer store, of `combined` into the shared tier."""
        inserts = self.outcome.inserts
        return inserts.get("shared", inserts.get("memory", 0))


def text(recorded: Recorded, comparison: Comparison, rows: Sequence[Row]) -> str:
    """Return a table, and what it is about."""
    head = ("RAM", "policy", "hit ratio", "drawings", "inserts", "disk", "cost", "RAM+disk+CPU")
    cells: list[tuple[str, ...]] = [head]
    cells += [
        (
            size(row.ram_bytes),
            row.policy,
            f"{row.outcome.hit_ratio:.4f}",
            str(row.outcome.drawings),
            str(row.inserts),
            size(row.outcome.used_bytes.get("disk")),
            *_costs(row.bill),
        )
        for row in rows
    ]
    for name, bill in _beside(comparison).items():
        cells.append(("-", name, "-", "-", "-", "-", *_costs(bill)))
    return "\n".join([*_about(recorded, comparison), "", table(cells)])


def document(recorded: Recorded, comparison: Comparison, rows: Sequence[Row]) -> str:
    """Return all of it as JSON."""
    trace, tally = recorded.trace, recorded.tally
    found: Mapping[str, Any] = {
        "lines": tally.lines,
        "requests": tally.requests,
        "skipped": dict(tally.skipped),
        "pictures": trace.pictures,
        "working_set_bytes": trace.working_set_bytes,
        "span_s": recorded.span_s,
        "sample": trace.rate,
        "draw_ms": round(recorded.draw_ms, 3),
        "prices": asdict(comparison.prices),
        "beside": {name: _money(bill) for name, bill in _beside(comparison).items()},
        "runs": [
            {
                "ram_bytes": row.ram_bytes,
                "policy": row.policy,
                "hit_ratio": round(row.outcome.hit_ratio, 5),
                **asdict(row.outcome),
                "cost_month": _money(row.bill),
            }
            for row in rows
        ],
    }
    return json.dumps(found, indent=2)


def plot(path: Path, comparison: Comparison, rows: Sequence[Row]) -> None:
    """Draw hit ratio and cost over RAM. Raises OSError."""
    by_policy: dict[str, list[Row]] = {}
    for row in rows:
        by_policy.setdefault(row.policy, []).append(row)
    hits = Panel(
        "Requests that needed no drawing",
        ("RAM", Scale.BYTES),
        ("hit ratio", Scale.SHARE),
        {
            policy: [(row.ram_bytes, row.outcome.hit_ratio) for row in its]
            for policy, its in by_policy.items()
        },
    )
    costs = Panel(
        "What a month like this costs",
        ("RAM", Scale.BYTES),
        ("cost, in the currency of the prices", Scale.NUMBER),
        {
            policy: [(row.ram_bytes, row.bill.total) for row in its]
            for policy, its in by_policy.items()
        },
        {name: bill.total for name, bill in _beside(comparison).items()},
    )
    trace = comparison.trace
    draw(path, f"{trace.total:,} requests for {trace.pictures:,} pictures", [hits, costs])


def _about(recorded: Recorded, comparison: Comparison) -> list[str]:
    trace, tally, prices = recorded.trace, recorded.tally, comparison.prices
    skipped = ", ".join(f"{count} {reason}" for reason, count in tally.skipped.most_common())
    lines = [
        f"{tally.requests} requests in {tally.lines} lines (skipped: {skipped or 'none'})",
        f"{trace.pictures} pictures of {size(trace.working_set_bytes)} within {recorded.span_s / _DAY_S:.1f} days",
    ]
    if trace.rate < 1:
        lines.append(
            f"a sample was played: all requests for one picture in {round(1 / trace.rate)}, at that share of the RAM;"
            " figures are for all"
        )
    lines.append(
        f"a drawing takes {recorded.draw_ms:.2f} ms; a month like this is assumed to cost"
        f" {prices.ram_gb_month:g} per GB of RAM, {prices.ssd_gb_month:g} per GB of SSD,"
        f" {prices.vcpu_month:g} per processor, busy to {prices.busy_share:.0%}"
    )
    return lines


def _beside(comparison: Comparison) -> Mapping[str, Bill]:
    return {
        "all in RAM": comparison.all_in_ram(),
        "drawing each time": comparison.drawing_each_time(),
    }


def _costs(bill: Bill) -> tuple[str, str]:
    return f"{bill.total:.4g}", f"{bill.ram:.3g}+{bill.disk:.3g}+{bill.cpu:.3g}"


def _money(bill: Bill) -> Mapping[str, float]:
    return {
        "ram": round(bill.ram, 6),
        "disk": round(bill.disk, 6),
        "cpu": round(bill.cpu, 6),
        "total": round(bill.total, 6),
    }
