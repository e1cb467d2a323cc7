"""The table's network does to packets what it says: `make chaos` asks this first. It starts itself
again in namespaces of its own."""
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import machine
from network import BROKER, PORT, Network, node_address
from relay import enter

# As long as nothing must come; what must come is waited for without an end.
SILENCE_SECONDS = 0.3


def socket_in(namespace):
    home = f"/proc/self/task/{os.getpid()}/ns/net"
    with open(home) as ours:
        enter(f"/run/netns/{namespace}")
        made = socket.socket()
        enter(f"/proc/self/fd/{ours.fileno()}")
    return made


def comes(receiver, seconds=None):
    return bool(select.select([receiver], [], [], seconds)[0])


class Links(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.network = Network([1, 2], cls.folder, 1)
        cls.listener = socket_in("broker")
        cls.listener.bind((BROKER, PORT))
        cls.listener.listen()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.node = socket_in("n1")
        self.node.connect((BROKER, PORT))
        self.broker, address = self.listener.accept()
        self.assertEqual(address[0], node_address(1))

    def tearDown(self):
        self.node.close()
        self.broker.close()

    def send(self, sender, receiver, arrives):
        sender.send(b"x")
        if arrives:
            comes(receiver)
            self.assertEqual(receiver.recv(1), b"x")
        else:
            self.assertFalse(comes(receiver, SILENCE_SECONDS))

    def late(self, sender, receiver):
        """Nothing is lost for good: it comes when the link is good again."""
        comes(receiver)
        self.assertEqual(receiver.recv(1), b"x")

    def test_a_good_link_carries_both_ways(self):
        self.send(self.node, self.broker, arrives=True)
        self.send(self.broker, self.node, arrives=True)

    def test_a_mute_node_hears(self):
        self.network.disturb(1, up=(0, 0, 1))
        self.send(self.node, self.broker, arrives=False)
        self.send(self.broker, self.node, arrives=True)
        self.network.calm(1)
        self.late(self.node, self.broker)

    def test_a_deaf_node_is_heard(self):
        self.network.disturb(1, down=(0, 0, 1))
        # Its kernel hears no acknowledgement either, but the bytes are there.
        self.send(self.node, self.broker, arrives=True)
        self.send(self.broker, self.node, arrives=False)
        self.network.calm(1)
        self.late(self.broker, self.node)

    def test_an_unplugged_node_is_cut_off_and_lives_on(self):
        self.network.unplug(1)
        self.send(self.node, self.broker, arrives=False)
        self.network.plug(1)
        self.late(self.node, self.broker)

    def test_packets_are_late_by_what_was_said(self):
        self.network.disturb(1, up=(150, 0, 0), down=(100, 0, 0))
        began = time.monotonic()
        self.send(self.node, self.broker, arrives=True)
        self.assertGreaterEqual(time.monotonic() - began, 0.15)
        self.send(self.broker, self.node, arrives=True)
        self.assertGreaterEqual(time.monotonic() - began, 0.25)
        self.network.calm(1)

    def test_half_of_the_packets_lost_is_a_slow_link_and_no_more(self):
        self.network.disturb(1, up=(1, 0, 0.5), down=(1, 0, 0.5))
        self.send(self.node, self.broker, arrives=True)
        self.network.calm(1)

    def test_others_links_stay_good(self):
        self.network.disturb(2, up=(0, 0, 1), down=(0, 0, 1))
        self.send(self.node, self.broker, arrives=True)
        self.network.calm(2)


if __name__ == "__main__":
    if sys.argv[1:] == ["apart"]:
        unittest.main(argv=sys.argv[:1])
    machine.check()
    sys.exit(subprocess.run([*machine.apart(), sys.executable, __file__, "apart"]).returncode)
