"""Addresses and network interfaces that behave.

AWS («How Amazon VPC works: IP addressing», «Subnet CIDR blocks», «Elastic network interfaces»):
- the first four addresses and the last of a subnet are reserved; an interface's addresses are free addresses of its subnet;
- an interface in use cannot be deleted or attached again (InvalidParameterValue, InvalidNetworkInterface.InUse);
- a security group that an interface or another group's rule uses cannot be deleted (DependencyViolation);
- the prefix lists of the gateway endpoints have ids that never change («AWS-managed prefix lists»).
moto draws addresses at random (two interfaces can have the same one) and checks none of this.

Not as on AWS: security groups and routes keep no packet from anybody, as all hosts share the loopback network.
"""

from __future__ import annotations

import ipaddress
import itertools

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_network_interfaces as enis
from moto.ec2.models import managed_prefixes, subnets
from moto.ec2.models import security_groups as groups

from .patching import replace

# As `aws ec2 describe-managed-prefix-lists` prints them; other regions keep made-up ids.
PREFIX_LISTS = {"com.amazonaws.us-east-1.s3": "pl-63a5400a", "com.amazonaws.us-east-1.dynamodb": "pl-02cd2c6b"}
_cursor: dict[str, int] = {}


def free_address(backend, subnet) -> str:
    """The next free address of the subnet. An address just given back is the last to be used again, so that nobody meets its old owner."""
    network = ipaddress.ip_network(subnet.cidr_block, strict=False)
    taken = {item["PrivateIpAddress"] for eni in backend.enis.values() if eni.subnet.id == subnet.id for item in eni.private_ip_addresses}
    usable = network.num_addresses - 5
    start = _cursor.get(subnet.id, 0)
    for step in range(usable):
        address = str(network.network_address + 4 + (start + step) % usable)
        if address not in taken:
            _cursor[subnet.id] = (start + step + 1) % usable
            return address
    raise EC2ClientError(
        "InsufficientFreeAddressesInSubnet", f"There are not enough free addresses in subnet '{subnet.id}' to satisfy the request."
    )


def _create(create):
    def create_network_interface(self, subnet, private_ip_address, private_ip_addresses=None, *args, **kwargs):
        subnet = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
        secondary = int(kwargs.pop("secondary_ips_count", None) or 0)
        eni = create(
            self,
            subnet,
            private_ip_address or (None if private_ip_addresses else free_address(self, subnet)),
            private_ip_addresses,
            *args,
            **kwargs,
        )
        add_secondary_addresses(self, eni, secondary)
        return eni

    return create_network_interface


def add_secondary_addresses(backend, eni, count: int) -> None:
    for _ in range(count):
        eni.private_ip_addresses.append({"Primary": False, "PrivateIpAddress": free_address(backend, eni.subnet)})


def _assign(assign):
    def assign_private_ip_addresses(self, eni_id, private_ip_addresses=None, secondary_ips_count=None):
        eni = assign(self, eni_id, private_ip_addresses, None) if private_ip_addresses else self.get_network_interface(eni_id)
        add_secondary_addresses(self, eni, int(secondary_ips_count or 0))
        return eni

    return assign_private_ip_addresses


def _delete(delete):
    def delete_network_interface(self, eni_id):
        eni = self.enis.get(eni_id)
        if eni and eni.instance:
            raise EC2ClientError("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
        delete(self, eni_id)

    return delete_network_interface


def require_available(eni) -> None:
    if eni.instance or eni.status == "in-use":
        raise EC2ClientError("InvalidNetworkInterface.InUse", f"Interface: [{eni.id}] in use.")


def _attach(attach):
    def attach_network_interface(self, eni_id, instance_id, device_index):
        require_available(self.get_network_interface(eni_id))
        return attach(self, eni_id, instance_id, device_index)

    return attach_network_interface


def _delete_group(delete):
    def delete_security_group(self, vpc_id, group_id):
        used = any(group_id in {group.id for group in eni.group_set} for eni in self.enis.values())
        referred = any(
            rule.source_group.get("GroupId") == group_id
            for group in itertools.chain.from_iterable(by_id.values() for by_id in self.groups.values())
            if group.id != group_id
            for rule in group.ingress_rules + group.egress_rules
            if rule.source_group
        )
        if used or referred:
            raise EC2ClientError("DependencyViolation", f"resource {group_id} has a dependent object")
        return delete(self, vpc_id, group_id)

    return delete_security_group


def _name_prefix_lists(create):
    def create_default_pls(self):
        create(self)
        for made in list(self.managed_prefix_lists.values()):
            known = PREFIX_LISTS.get(made.prefix_list_name)
            if known:
                self.managed_prefix_lists[known] = self.managed_prefix_lists.pop(made.id)
                made.id, made.prefix_list_arn = known, made.prefix_list_arn.replace(made.id, known)

    return create_default_pls


def install() -> None:
    backend = enis.NetworkInterfaceBackend
    for name, wrap in (
        ("create_network_interface", _create),
        ("assign_private_ip_addresses", _assign),
        ("delete_network_interface", _delete),
        ("attach_network_interface", _attach),
    ):
        replace(backend, name, wrap(getattr(backend, name)))
    lists = managed_prefixes.ManagedPrefixListBackend
    replace(lists, "create_default_pls", _name_prefix_lists(lists.create_default_pls))
    replace(subnets.Subnet, "get_available_subnet_ip", lambda self, instance: free_address(self.ec2_backend, self))
    replace(subnets.Subnet, "request_ip", lambda self, ip, instance: None)
    replace(groups.SecurityGroupBackend, "_delete_security_group", _delete_group(groups.SecurityGroupBackend._delete_security_group))
