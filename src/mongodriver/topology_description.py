"""What the driver knows about a deployment."""

from mongodriver.spec.sdam import SRV_POLLING_TOPOLOGIES, TOPOLOGY_TYPE
from mongodriver.spec.topology import TopologyDescription, updated_topology_description

__all__ = [
    "SRV_POLLING_TOPOLOGIES",
    "TOPOLOGY_TYPE",
    "TopologyDescription",
    "updated_topology_description",
]
