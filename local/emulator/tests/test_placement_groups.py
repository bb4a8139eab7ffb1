import unittest
import uuid

from botocore.exceptions import ClientError

from . import support as s


class PlacementGroups(unittest.TestCase):
    def refused(self, call, **arguments) -> str:
        with self.assertRaises(ClientError) as refusal:
            call(**arguments)
        return refusal.exception.response["Error"]["Code"]

    def test_a_group_lives_once_from_its_creation_to_its_deletion(self):
        ec2, name = s.client("ec2"), f"group-{uuid.uuid4().hex[:8]}"
        tags = [{"ResourceType": "placement-group", "Tags": [{"Key": "team", "Value": "delays"}]}]
        made = ec2.create_placement_group(GroupName=name, Strategy="cluster", TagSpecifications=tags)["PlacementGroup"]
        self.assertEqual((made["GroupName"], made["Strategy"], made["State"]), (name, "cluster", "available"))
        self.assertEqual(made["Tags"], [{"Key": "team", "Value": "delays"}])
        self.assertEqual(self.refused(ec2.create_placement_group, GroupName=name, Strategy="cluster"), "InvalidPlacementGroup.Duplicate")
        self.assertEqual(len(ec2.describe_placement_groups(GroupNames=[name])["PlacementGroups"]), 1)
        ec2.delete_placement_group(GroupName=name)
        self.assertEqual(self.refused(ec2.delete_placement_group, GroupName=name), "InvalidPlacementGroup.Unknown")
        self.assertEqual(self.refused(ec2.describe_placement_groups, GroupNames=[name]), "InvalidPlacementGroup.Unknown")


if __name__ == "__main__":
    unittest.main()
