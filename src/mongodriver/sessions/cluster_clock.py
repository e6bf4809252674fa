"""The cluster's time as far as a client has heard of it (gossiped by every command)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ..replies.times import check_cluster_time


class ClusterClock:
    """The newest ``$clusterTime`` a client has seen, in `now`; None before the first."""

    __slots__ = ("_lock", "now")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now: Mapping[str, Any] | None = None

    def advance(self, cluster_time: Mapping[str, Any]) -> None:
        """Take a newer time; an older one changes nothing. From any thread.

        :raises ProtocolError: for what is no cluster time.
        """
        current = self.now
        try:
            if current is not None and cluster_time["clusterTime"] <= current["clusterTime"]:
                return
        except (KeyError, TypeError):
            pass
        check_cluster_time(cluster_time)
        with self._lock:
            if self.now is None or cluster_time["clusterTime"] > self.now["clusterTime"]:
                self.now = cluster_time

    def go_back(self, cluster_time: Mapping[str, Any]) -> None:
        """Forget a newer time than the one a server has told when it refused what it was sent.

        Otherwise every later command would carry that time too, and be refused.

        :raises ProtocolError: for what is no cluster time.
        """
        check_cluster_time(cluster_time)
        with self._lock:
            if self.now is not None and cluster_time["clusterTime"] < self.now["clusterTime"]:
                self.now = cluster_time

    def after_fork(self) -> None:
        self._lock = threading.Lock()
