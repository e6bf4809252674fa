"""What the driver knows about a deployment."""

from mongodriver.sdam.topology_description import TopologyDescription, updated_topology_description
from mongodriver.sdam.topology_rules import SRV_POLLING_TOPOLOGIES, TOPOLOGY_TYPE

__all__ = [
    "SRV_POLLING_TOPOLOGIES",
    "TOPOLOGY_TYPE",
    "TopologyDescription",
    "updated_topology_description",
]
