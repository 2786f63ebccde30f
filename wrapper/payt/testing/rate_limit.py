"""So many requests in any one second, per token."""

from collections import defaultdict, deque


class RateLimit:
    """Counts the requests that were let through; the caller holds the lock."""

    def __init__(self) -> None:
        self._let_through: defaultdict[str, deque[float]] = defaultdict(deque)

    def exceeded(self, token: str, limit: int, now: float) -> bool:
        """Tell whether a request that came `now` is one more than `limit` within a second; if not, it counts."""
        times = self._let_through[token]
        while times and now - times[0] >= 1:
            times.popleft()
        if len(times) >= limit:
            return True
        times.append(now)
        return False
