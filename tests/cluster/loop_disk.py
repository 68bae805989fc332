# SPDX-License-Identifier: Apache-2.0
"""A file system of its own in a file, whose power can be cut: ext4 on a loop device, and ext4's shutdown ioctl."""
import fcntl, os, pathlib, struct, subprocess

from cluster import Skipped

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2  # neither the file system's journal nor any dirty page reaches the device any more


def run(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Skipped(f"`{' '.join(map(str, command))}` gives {done.returncode}: {done.stderr.strip() or done.stdout}")
    return done.stdout.strip()


class LoopDisk:
    """Skipped, with what the machine lacks, where it cannot be had."""

    def __init__(self, folder, megabytes):
        if os.geteuid() != 0:
            raise Skipped("a loop device can be mounted by root only")
        self.folder, self.device, self.mounted = pathlib.Path(folder), None, False
        self.place = self.folder / "mount"
        self.place.mkdir(parents=True, exist_ok=True)
        self.image = self.folder / "image"
        try:
            with open(self.image, "wb") as image:
                image.truncate(megabytes << 20)
            self.device = run("losetup", "--find", "--show", self.image)
            self.make()
            self.mount()
        except (Skipped, OSError) as why:
            self.close()
            raise Skipped(f"no file system of its own: {why}") from None

    def make(self):
        run("mkfs.ext4", "-q", "-F", "-m", "0", self.device)

    def mount(self):
        run("mount", "-t", "ext4", self.device, self.place)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            run("umount", self.place)
            self.mounted = False

    def cut(self):
        """From here on nothing reaches the device, and every write fails."""
        directory = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            raise Skipped(f"the file system cannot be shut down: {error}") from None
        finally:
            os.close(directory)

    def close(self):
        self.unmount()
        if self.device:
            run("losetup", "--detach", self.device)
            self.device = None
