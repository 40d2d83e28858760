"""Which anonymous rows are the same person. The rules are `tallystick.core.linkage.matching.matching`, which a rehearsal uses as well."""

from __future__ import annotations

from tallystick.core.linkage.matching.matching import TAG_BYTES, Matches, match_tags

__all__ = ["TAG_BYTES", "Matches", "match_tags"]
