"""An injection moulding machine as its companion specifications want it, served by a stack that was not written here: asyncua (PyPI).

Usage: asyncua_moulding.py PORT

Prints "ready" when it listens on 127.0.0.1:PORT, without security; answers each line of its standard input with "ok", and ends when
that closes. Below Objects:
  IMM                     of OPC 40077: MachineStatus, Jobs (ActiveJob, JobInPreparation, ActiveJobValues), a barrel zone, TotalEnergy
  IMM.MachineryBuildingBlocks   of OPC 40001-1: MachineryItemState, MachineryOperationMode, OperationCounters
  Rings                   two folders, each below the other
  Deep                    a chain of 12 folders, with a variable at the end
  Nasty                   names and values that would steer a terminal
Types are those of the specifications by name; only what is used of them is there.
"""

import asyncio
import sys
import threading

from asyncua import Server, ua

PLASTICS = "http://opcfoundation.org/UA/PlasticsRubber/GeneralTypes/"
MES = "http://opcfoundation.org/UA/PlasticsRubber/IMM2MES/"
MACHINERY = "http://opcfoundation.org/UA/Machinery/"
DEVICES = "http://opcfoundation.org/UA/DI/"
MAKER = "urn:cloudward:test:maker"


class Maker:
    def __init__(self, server, spaces):
        self.server = server
        self.spaces = spaces
        self.types = {}

    def name(self, space, name):
        return ua.QualifiedName(name, self.spaces[space] if space else 0)

    def id(self, text):
        return ua.NodeId(text, self.spaces[MAKER])

    async def type(self, space, name):
        if name not in self.types:
            base = self.server.get_node(ua.ObjectIds.BaseObjectType)
            self.types[name] = await base.add_object_type(ua.NodeId(name, self.spaces[space]), self.name(space, name))
        return self.types[name].nodeid

    async def object(self, parent, path, space, name, of_space=None, of_type=None):
        kind = await self.type(of_space, of_type) if of_type else None
        return await parent.add_object(self.id(path), self.name(space, name), objecttype=kind)

    async def value(self, parent, path, space, name, value, kind, datatype=None):
        return await parent.add_variable(self.id(path), self.name(space, name), ua.Variant(value, kind), datatype=datatype)


async def machine(make):
    kinds = ua.VariantType
    imm = await make.object(make.server.nodes.objects, "IMM", MAKER, "IMM_一号", MES, "IMM_MES_InterfaceType")
    status = await make.object(imm, "Status", MES, "MachineStatus", PLASTICS, "MachineStatusType")
    modes = await make.server.get_node(ua.ObjectIds.Enumeration).add_data_type(
        ua.NodeId("MachineModeEnumeration", make.spaces[PLASTICS]), make.name(PLASTICS, "MachineModeEnumeration")
    )
    names = [ua.LocalizedText(name) for name in ("OTHER", "AUTOMATIC", "SEMI_AUTOMATIC", "MANUAL", "SETUP", "SLEEP")]
    await modes.add_property(ua.NodeId("ModeNames", make.spaces[PLASTICS]), ua.QualifiedName("EnumStrings", 0), names)
    await make.value(status, "Status.Mode", PLASTICS, "MachineMode", 1, kinds.Int32, modes.nodeid)
    jobs = await make.object(imm, "Jobs", MES, "Jobs", PLASTICS, "JobsType")
    for name in ("ActiveJob", "JobInPreparation"):
        job = await make.object(jobs, name, PLASTICS, name, PLASTICS, "CyclicJobInformationType")
        await make.value(job, f"{name}.Cycle", PLASTICS, "ExpectedCycleTime", 23500.0, kinds.Double, ua.NodeId(ua.ObjectIds.Duration))
        await make.value(job, f"{name}.Mould", PLASTICS, "MouldId", "模具-7", kinds.String)
    values = await make.object(jobs, "Values", PLASTICS, "ActiveJobValues", PLASTICS, "ActiveCyclicJobValuesType")
    for name, value in (("JobCycleCounter", 512), ("JobGoodPartsCounter", 1000), ("JobBadPartsCounter", 24)):
        await make.value(values, f"Values.{name}", PLASTICS, name, value, kinds.UInt64)
    zones = await make.object(imm, "Zones", PLASTICS, "BarrelTemperatureZones")
    for nr in (1, 2):
        zone = await make.object(zones, f"Zone{nr}", PLASTICS, f"BarrelTemperatureZone_{nr}", PLASTICS, "BarrelTemperatureZoneType")
        actual = await make.value(zone, f"Zone{nr}.Actual", PLASTICS, "ActualTemperature", 219.5 + nr, kinds.Double)
        celsius = ua.EUInformation("http://www.opcfoundation.org/UA/units/un/cefact", 4408652, ua.LocalizedText("°C"))
        await actual.add_property(make.id(f"Zone{nr}.Unit"), ua.QualifiedName("EngineeringUnits", 0), celsius)
        await actual.add_property(make.id(f"Zone{nr}.Range"), ua.QualifiedName("EURange", 0), ua.Range(Low=0.0, High=400.0))
    energy = await make.object(imm, "Energy", MAKER, "Drive", PLASTICS, "EnergyType")
    await make.value(energy, "Energy.Sum", PLASTICS, "PowerConsumption", 8123.5, kinds.Double)
    blocks = await make.object(imm, "Blocks", MACHINERY, "MachineryBuildingBlocks")
    for name, of_type in (
        ("MachineryItemState", "MachineryItemState_StateMachineType"),
        ("MachineryOperationMode", "MachineryOperationModeStateMachineType"),
    ):
        block = await make.object(blocks, name, MACHINERY, name, MACHINERY, of_type)
        text = ua.LocalizedText("Executing" if name.endswith("State") else "Processing")
        await make.value(block, f"{name}.Current", None, "CurrentState", text, kinds.LocalizedText)
    counters = await make.object(blocks, "Counters", DEVICES, "OperationCounters", MACHINERY, "MachineryOperationCounterType")
    await make.value(counters, "Counters.On", DEVICES, "PowerOnDuration", 1.5e9, kinds.Double, ua.NodeId(ua.ObjectIds.Duration))


async def traps(make):
    objects, kinds = make.server.nodes.objects, ua.VariantType
    rings = await make.object(objects, "Rings", MAKER, "Rings")
    one = await make.object(rings, "Ring1", MAKER, "Ring1")
    two = await make.object(one, "Ring2", MAKER, "Ring2")
    await two.add_reference(one, ua.ObjectIds.Organizes)
    await two.add_reference(rings, ua.ObjectIds.Organizes)
    above = await make.object(objects, "Deep", MAKER, "Deep")
    for step in range(1, 13):
        above = await make.object(above, f"Deep{step}", MAKER, f"Step{step}")
    await make.value(above, "Deep.End", MAKER, "End", 7, kinds.Int32)
    nasty = await make.object(objects, "Nasty", MAKER, "Nasty\x1b[2J")
    await make.value(nasty, "Nasty.Text", MAKER, "Text", "a\x1b]0;b\x07\r\n\u202ec\x9b", kinds.String)
    hidden = await make.value(nasty, "Nasty.Hidden", MAKER, "Hidden", 1, kinds.Int32)
    for attribute in (ua.AttributeIds.AccessLevel, ua.AttributeIds.UserAccessLevel):
        await hidden.write_attribute(attribute, ua.DataValue(ua.Variant(2, ua.VariantType.Byte)))  # CurrentWrite alone
    await make.value(nasty, "Nasty.Big", MAKER, "Big", [0.5] * 200_001, kinds.Double)
    await make.value(nasty, "Nasty.After", MAKER, "After", True, kinds.Boolean)


def listen_to_parent():
    for _ in sys.stdin:
        print("ok", flush=True)


async def main(port):
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    spaces = {uri: await server.register_namespace(uri) for uri in (PLASTICS, MES, MACHINERY, DEVICES, MAKER)}
    make = Maker(server, spaces)
    await machine(make)
    await traps(make)
    await server.start()
    print("ready", flush=True)
    ended = threading.Thread(target=listen_to_parent, daemon=True)
    ended.start()
    while ended.is_alive():
        await asyncio.sleep(0.1)


asyncio.run(main(int(sys.argv[1])))
