"""What the machine must give, and how a run is set apart from it."""
import os
import shutil
import subprocess
import sys


def refuse(why):
    sys.exit(f"chaos: {why}")


def apart():
    """What begins a command line that runs in new namespaces: of mounts, network and processes.
    The kernel removes what is made there when its first process ends, and that dies with us."""
    words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return words if os.getuid() == 0 else [*words, "--user", "--map-root-user"]


def check():
    """A machine that cannot run it fails it, and is told why."""
    for tool in ["ip", "unshare", "nsenter", "flock", "kcat"]:
        if not shutil.which(tool):
            refuse(f"needs {tool} (make tools)")
    if subprocess.run([*apart(), "true"]).returncode != 0:
        refuse("this machine gives no namespaces (unshare, above); without them there is no test")
    if not os.access("/dev/net/tun", os.W_OK):
        refuse("this machine gives no /dev/net/tun, through which packets are lost and delayed")
