"""The table's network: a namespace for the broker and for each node, on one bridge.

Nodes speak only to the broker. On a good day packets go over veth pairs and the bridge. A node
whose link is to be bad is led around through the relay (`relay.py`), which drops and delays packets
one by one; TCP connections live on. All of it is made inside the run's own network namespace, so
the kernel removes it with the run.
"""
import subprocess
import sys

BROKER = "10.77.0.1"
PORT = 9092
# Of the union's topics: the default.
PREFIX = "scrapworkerunion-1-"


def node_address(number):
    return f"10.77.1.{number}"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def inside(namespace, command):
    """The command line that runs `command` in a namespace; its process id stays the command's."""
    return ["nsenter", f"--net=/run/netns/{namespace}", "--", *command]


class Network:
    def __init__(self, nodes, folder, seed):
        # ip-netns(8) keeps names below /run: an empty one of ours lies over the machine's.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        ip("link", "set", "lo", "up")
        ip("link", "add", "bridge", "type", "bridge")
        ip("addr", "add", "10.77.0.254/16", "dev", "bridge")
        ip("link", "set", "bridge", "up")
        self._plug("broker", BROKER)
        for number in nodes:
            self._plug(f"n{number}", node_address(number))
            self._prepare_detour(number)
        self._log = open(f"{folder}/relay.log", "w")
        self._relay = subprocess.Popen(
            [sys.executable, f"{sys.path[0]}/relay.py", str(seed), *map(str, nodes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True)
        if self._relay.stdout.readline() != "ready\n":
            raise RuntimeError("the relay did not start; its words are in relay.log")

    @staticmethod
    def _plug(name, address):
        ip("netns", "add", name)
        ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", name, "master", "bridge", "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "addr", "add", f"{address}/16", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        # What the relay hands over comes in at another interface than answers leave by.
        script = "for i in all default; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done"
        subprocess.run(inside(name, ["sh", "-c", script]), check=True)

    @staticmethod
    def _prepare_detour(number):
        for namespace, device in [(f"n{number}", "relay"), ("broker", f"relay{number}")]:
            ip("-n", namespace, "tuntap", "add", "dev", device, "mode", "tun")
            ip("-n", namespace, "link", "set", device, "up")

    # What can be wrong with a link.

    def unplug(self, number):
        """The cable: the node sees that its carrier is gone."""
        ip("link", "set", f"n{number}", "down")

    def plug(self, number):
        ip("link", "set", f"n{number}", "up")

    def disturb(self, number, up=(0, 0, 0), down=(0, 0, 0)):
        """Each way (to the broker, from it): delay and jitter in ms, share of lost packets."""
        for way, (delay, jitter, loss) in [("up", up), ("down", down)]:
            self._tell(f"set {number} {way} {delay} {jitter} {loss}")
        address = node_address(number)
        ip("-n", f"n{number}", "route", "replace", f"{BROKER}/32", "dev", "relay", "src", address)
        ip("-n", "broker", "route", "replace", f"{address}/32", "dev", f"relay{number}",
           "src", BROKER)

    def calm(self, number):
        ip("-n", f"n{number}", "route", "del", f"{BROKER}/32")
        ip("-n", "broker", "route", "del", f"{node_address(number)}/32")
        self._tell(f"set {number} up 0 0 0")
        self._tell(f"set {number} down 0 0 0")

    def _tell(self, line):
        self._relay.stdin.write(line + "\n")
        self._relay.stdin.flush()
