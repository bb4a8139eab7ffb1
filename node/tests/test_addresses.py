"""Private addresses of a host's interface."""
import os
import tempfile
import unittest
import unittest.mock

from sluice_node import addresses

from .fakes import MAC


class AddressesOfTheInterfaceTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.network = temporary.name
        for name, mac in (("lo", "00:00:00:00:00:00"), ("ens5", MAC.upper())):
            os.mkdir(os.path.join(self.network, name))
            with open(os.path.join(self.network, name, "address"), "w") as stream:
                stream.write(mac + "\n")
        self.ran = []

    def own(self, root=True, systemd=None):
        with unittest.mock.patch("os.geteuid", return_value=0 if root else 1000):
            addresses.keep_to_ourselves(MAC, lambda *command: self.ran.append(command), self.network, systemd or self.network)

    def test_the_system_is_kept_from_reloading_its_network_for_them(self):
        self.own()
        self.assertEqual([("systemctl", "mask", "--now", "--runtime", "refresh-policy-routes@ens5.timer")], self.ran)

    def test_nothing_is_asked_of_a_machine_that_systemd_does_not_run_or_without_rights(self):
        self.own(systemd=os.path.join(self.network, "none"))
        self.own(root=False)
        self.assertEqual([], self.ran)
