"""What a topology begins with."""

from __future__ import annotations

import threading

from mongodriver.public.topology_settings import TopologySettingsBase
from mongodriver.synchronous.monitor import Monitor
from mongodriver.synchronous.pool import Pool

__all__ = ["TopologySettings"]


class TopologySettings(TopologySettingsBase):
    """The seeds and options of a topology. Times are in seconds but for ``local_threshold_ms``."""

    _pool_class = Pool
    _monitor_class = Monitor
    _condition_class = threading.Condition
