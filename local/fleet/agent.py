"""The loop that makes machines follow the emulator's instances, and the emulator follow the machines."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from .emulator import Emulator, EmulatorUnavailable
from .machine import Machine, Site

POLL_SECONDS = 0.2


class Agent:
    def __init__(self, emulator: Emulator, site: Site, say: Callable[[str], None]):
        self._emulator = emulator
        self._site = site
        self._say = say
        self._stop = threading.Event()
        self._unavailable = False
        self._lost: dict[str, str] = {}
        self.machines: dict[str, Machine] = {}
        self.lost_zones: set[str] = set()
        self._zombies_until: dict[str, float] = {}

    def lose_zone(self, zone: str, number: int, announced: bool = True) -> None:
        """What is in the zone stands still or is dead, and whatever EC2 wants of it does not reach it. AWS says so where it is announced."""
        self.lost_zones.add(zone)
        for machine in self._machines_in(zone):
            machine.signal(number)
        self._say(f"zone {zone} is lost")
        if announced:
            self._emulator.zone_impaired(zone)

    def return_zone(self, zone: str, zombie_seconds: float) -> None:
        """What stood still goes on as if nothing had been; only after a while EC2 carries out what it was asked for meanwhile."""
        for machine in self._machines_in(zone):
            machine.signal(signal.SIGCONT)
        self._zombies_until[zone] = time.monotonic() + zombie_seconds
        self._say(f"zone {zone} is back")
        self._emulator.zone_well(zone)

    def _machines_in(self, zone: str) -> list[Machine]:
        return [machine for machine in list(self.machines.values()) if machine.instance["zone"] == zone and machine.phase == "booted"]

    def _out_of_reach(self, zone: str) -> bool:
        if zone in self._zombies_until and time.monotonic() >= self._zombies_until[zone]:
            del self._zombies_until[zone]
            self.lost_zones.discard(zone)
        return zone in self.lost_zones

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        taken_over = False
        try:
            while not self._stop.is_set():
                try:
                    if not taken_over:
                        self._emulator.take_over()
                        taken_over = True
                    self.step()
                    self._reachable(True)
                except EmulatorUnavailable as error:
                    taken_over = False  # A new emulator has forgotten us.
                    self._reachable(False, str(error))
                self._stop.wait(POLL_SECONDS)
        finally:
            self.end_all()

    def step(self) -> None:
        """One look at the emulator, and what follows from it."""
        instances = {item["instanceId"]: item for item in self._emulator.instances()}
        delay = float(self._emulator.settings().get("bootDelaySeconds", 0)) if any(item["state"] == "pending" for item in instances.values()) else 0.0
        for instance_id, instance in instances.items():
            if not self._out_of_reach(instance["zone"]):
                self._follow(instance_id, instance, delay)
        for instance_id, machine in list(self.machines.items()):
            if self._out_of_reach(machine.instance["zone"]):
                continue
            state = instances.get(instance_id, {}).get("state", "terminated")
            reason = machine.ended_by_itself() or machine.interrupted()
            if reason:
                self._say(f"{instance_id} died: {reason}")
                self._lost[instance_id] = reason
                machine.kill()
            elif state == "terminated" and machine.phase == "booted":
                machine.kill()
            if machine.gone():
                if state != "terminated":
                    self._emulator.report(instance_id, "terminated", self._lost.pop(instance_id, ""))
                self._say(f"{instance_id} is gone")
                del self.machines[instance_id]

    def give_notices(self, machine: Machine, notices: dict[str, object]) -> None:
        """What EC2 tells an instance below meta-data/, and the events that go with what is new."""
        new = {path: content for path, content in notices.items() if machine.notices.get(path) != content}
        machine.notices = notices
        for path, content in new.items():
            self._emulator.notice(machine.id, path, content)

    def _follow(self, instance_id: str, instance: dict, delay: float) -> None:
        state, machine = instance["state"], self.machines.get(instance_id)
        if machine is None:
            if state == "pending":
                self.machines[instance_id] = machine = Machine(instance, self._site)
            elif state == "running":
                # Its processes ended with the agent that started them.
                self._emulator.report(instance_id, "terminated", "Server.InternalError: the host was lost")
                return
            elif state == "shutting-down":
                self._emulator.report(instance_id, "terminated", "")
                return
            else:
                return
        machine.instance = {**instance, "privateIp": instance["privateIp"] or machine.instance["privateIp"]}
        if state == "pending" and machine.phase == "new" and machine.age() >= delay:
            self._boot(machine)
        elif state == "shutting-down":
            machine.stop()

    def _boot(self, machine: Machine) -> None:
        try:
            machine.boot()
        except OSError as error:
            self._say(f"{machine.id} does not boot: {error}")
            self._lost[machine.id] = f"Server.InternalError: the host does not boot: {error}"
            machine.phase = "ended"
            return
        role = (machine.instance.get("tags") or {}).get("sluice:role", "instance")
        self._say(f"{machine.id} boots: {role} at {machine.instance['privateIp']} in {machine.instance['zone']}")
        # EC2 says running as soon as the machine is on, long before its user data is through.
        self._emulator.report(machine.id, "running", "")

    def _reachable(self, reachable: bool, why: str = "") -> None:
        if reachable == self._unavailable:
            self._say("the emulator answers again" if reachable else f"the emulator does not answer: {why}")
            self._unavailable = not reachable

    def end_all(self) -> None:
        """Ends every machine; returns when nothing is left."""
        for zone in self.lost_zones:
            for machine in self._machines_in(zone):
                machine.kill()
        for machine in self.machines.values():
            machine.stop()
        while any(not machine.gone() for machine in self.machines.values()):
            time.sleep(0.02)
