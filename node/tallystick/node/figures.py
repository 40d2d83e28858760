"""What monitoring sees of a node: counts, seconds and days, never whose."""

from __future__ import annotations

from tallystick.core.metrics import Counts, Figure
from tallystick.node.views import Health


def build_figures(health: Health, counts: Counts) -> list[Figure]:
    """Build the figures of a moment."""
    days: dict[tuple[str, ...], float] = {} if health.certificate_days is None else {(): float(health.certificate_days)}
    working = sum(one.works for one in health.sessions)
    return [
        Figure("connected", "gauge", "Whether the coordinator is connected.", {(): float(health.connected)}),
        Figure("jobs", "gauge", "Jobs by state.", {(str(s),): float(n) for s, n in health.jobs.items()}, ("state",)),
        Figure("sessions", "gauge", "Jobs that this node is at work on.", {(): float(len(health.sessions))}),
        Figure("sessions_working", "gauge", "Of these, jobs that do not wait for other parties.", {(): float(working)}),
        Figure("sessions_at_most", "gauge", "Jobs that it takes part in at once.", {(): float(health.most_jobs)}),
        Figure("certificate_days", "gauge", "Days until its certificate ends.", days),
        Figure(
            "agreement_days",
            "gauge",
            "Days until the first of its agreements ends.",
            {(): float(min(health.agreements.values()))} if health.agreements else {},
        ),
        Figure("failures", "counter", "Attempts that it could not go on with, by code.", counts.of("failures"), ("code",)),
        Figure("phases", "counter", "Phases of attempts that ended here.", counts.of("phases"), ("phase",)),
        Figure("phase_seconds", "counter", "Seconds that these took.", counts.of("phase_seconds"), ("phase",)),
    ]
