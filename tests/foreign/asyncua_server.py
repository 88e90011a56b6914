"""An OPC UA server that was not written here: asyncua (PyPI), serving "the machine". node_opcua_server.js serves the same.

Usage: asyncua_server.py PORT FOLDER [OPTION...]

Prints "ready" when it listens on 127.0.0.1:PORT; ends when its standard input closes. FOLDER holds its certificates as Part 12
lays them out, and is made when missing: own/certs/NAME.der and own/private/NAME.pem (self-signed, made at the first start),
trusted/certs/*.der (clients that it lets in; read at each connection), rejected/*.der (those it turned away), and
users/trusted/certs/*.der (certificates of users).

Options:
  --load N                items Load.0000 ... (default 0)
  --rate HZ               their changes per second (default 1)
  --namespaces-before N   namespaces registered before the machine's, so that its index moves (default 0: index 2)
  --policies P,P          of None, Basic256Sha256, Aes128_Sha256_RsaOaep, Aes256_Sha256_RsaPss (default: these four),
                          Basic128Rsa15, Basic256
  --modes M,M             of Sign, SignAndEncrypt (default: both); None has no mode
  --users U,U             of anonymous, password, certificate (default: all); the password is gateway / s3cret
  --path /P               path of the endpoint's address
  --advertise HOST        the host that the endpoints name, whatever address the client used
  --accept-all            every client certificate is trusted
  --untrusted HOW         of an unknown client: "session" (default: CreateSession answers BadCertificateUntrusted) or "eof" (the
                          connection just ends at OpenSecureChannel). asyncua only: node-opcua answers at OpenSecureChannel
  --certificate NAME      which own certificate (default "server"); another name is a changed certificate
  --certificate-uri URI   application URI in a certificate that has to be made (default: the server's, urn:cloudward:test:server)
  --certificate-host HOST DNS name in it, without an IP address (default: localhost and 127.0.0.1)
  --certificate-expired   it ended yesterday
  --limit N               OperationLimits: at most N nodes or items per call, BadTooManyOperations above
  --hide-limits           the limit holds, but OperationLimits says 0
  --max-sessions N, --max-subscriptions N, --max-items N (all sessions together)
  --no-subscriptions      CreateSubscription answers BadServiceUnsupported
  --paused                starts without value changes

Namespace 1 is urn:cloudward:test:server. The machine's is urn:cloudward:test:machine:
  Machine                 object, below Objects
  Machine.Speed           Double, n / 2 at the n-th change, ten changes a second
  Machine.Count           UInt32, n
  Machine.State           Int32 of the enumeration ServerState, changes every 10 s
  Machine.Running         Boolean, changes every 2 s
  Machine.Order           String, Chinese, changes every 5 s
  Machine.Temps           Double[4], changes every second
  Machine.Fixed           Double 42.5, never changes
  Machine.Limits          Range {Low 0, High 150}, never changes
  Machine.Analog          Double, AnalogItemType with EURange 0..100 and EngineeringUnits °C; up and down by 1 a change
  Load.0000 ...           UInt32; all take the same next number in one step, so a gap of one item shows
Source times are those of the change.

Commands, one a line; each is answered by one line, "ok" or "error ...":
  set NODE TYPE JSON [STATUS] [@MS]   writes a value, with a status code (name or 0x...) and a source time (ms since 1970).
                          TYPE is a built-in type, "Double[]" an array; a type that the node does not have is fine.
                          The node keeps it: it takes no part in the changes until `release`
  status NODE STATUS      the last value with this status code (a bad one has no value); the node keeps it too
  release NODE            takes part in the changes again
  remove NODE, add NODE   deletes the node; puts it back
  delete_subscriptions [tell]   all, while the sessions stay. Publish requests that wait stay unanswered; with "tell" they get
                          BadNoSubscription, as the standard wants it
  close_sessions [keep]   all; with "keep" their subscriptions live on, to be transferred
  pause, resume           all value changes
  step                    one change of the machine and one step of the load now, also when paused
  rate HZ                 steps per second of the load
  limit N [hide]          as --limit, from now on; 0: none
  stats                   answers one line of JSON: sessions, subscriptions, items, connections (now), changes (n), steps (of the
                          load), requests (by service, since the start) and faults (by status code, since the start)
  quit                    ends

What asyncua does by itself, and other servers do not: a sampling interval is not kept, each change is reported; a removed node
ends its monitored items without a word; a percent deadband lets everything pass; Republish of a subscription that is gone answers
Good with an empty message; ModifySubscription changes nothing. After TransferSubscriptions it uses up the Publish requests that
still wait for the old connection, sends those answers (with request ids that nobody there knows) to the new one, and then is silent.
"""

import argparse
import asyncio
import contextvars
import datetime
import hashlib
import ipaddress
import json
import logging
import os
import re
import sys
import threading
from collections import Counter
from pathlib import Path

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.server import binary_server_asyncio, internal_server, internal_subscription
from asyncua.server.internal_session import InternalSession, SessionState
from asyncua.server.monitored_item_service import MonitoredItemService
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import struct_from_binary
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SERVER_URI = "urn:cloudward:test:server"
MACHINE_URI = "urn:cloudward:test:machine"
PASSWORDS = {"gateway": "s3cret"}
POLICIES = ["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
CHANGES_PER_SECOND = 10
DER = serialization.Encoding.DER
# Where each request carries what OperationLimits counts.
COUNTED = {
    "Read": (ua.ReadParameters, "NodesToRead", "MaxNodesPerRead"),
    "Write": (ua.WriteParameters, "NodesToWrite", "MaxNodesPerWrite"),
    "Browse": (ua.BrowseParameters, "NodesToBrowse", "MaxNodesPerBrowse"),
    "TranslateBrowsePathsToNodeIds": (
        ua.TranslateBrowsePathsToNodeIdsParameters,
        "BrowsePaths",
        "MaxNodesPerTranslateBrowsePathsToNodeIds",
    ),
    "RegisterNodes": (ua.RegisterNodesParameters, "NodesToRegister", "MaxNodesPerRegisterNodes"),
    "CreateMonitoredItems": (ua.CreateMonitoredItemsParameters, "ItemsToCreate", "MaxMonitoredItemsPerCall"),
    "ModifyMonitoredItems": (ua.ModifyMonitoredItemsParameters, "ItemsToModify", "MaxMonitoredItemsPerCall"),
    "DeleteMonitoredItems": (ua.DeleteMonitoredItemsParameters, "MonitoredItemIds", "MaxMonitoredItemsPerCall"),
    "SetMonitoringMode": (ua.SetMonitoringModeParameters, "MonitoredItemIds", "MaxMonitoredItemsPerCall"),
}
WITHOUT_SESSION = {"CreateSession", "ActivateSession", "CloseSession", "GetEndpoints", "FindServers", "CloseSecureChannel"}


def arguments():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("port", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--namespaces-before", type=int, default=0)
    parser.add_argument("--policies", type=lambda text: text.split(","), default=POLICIES)
    parser.add_argument("--modes", type=lambda text: text.split(","), default=["Sign", "SignAndEncrypt"])
    parser.add_argument("--users", type=lambda text: text.split(","), default=["anonymous", "password", "certificate"])
    parser.add_argument("--path", default="")
    parser.add_argument("--advertise")
    parser.add_argument("--accept-all", action="store_true")
    parser.add_argument("--untrusted", choices=["session", "eof"], default="session")
    parser.add_argument("--certificate", default="server")
    parser.add_argument("--certificate-uri", default=SERVER_URI)
    parser.add_argument("--certificate-host")
    parser.add_argument("--certificate-expired", action="store_true")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--hide-limits", action="store_true")
    parser.add_argument("--max-sessions", type=int, default=0)
    parser.add_argument("--max-subscriptions", type=int, default=0)
    parser.add_argument("--max-items", type=int, default=0)
    parser.add_argument("--no-subscriptions", action="store_true")
    parser.add_argument("--paused", action="store_true")
    return parser.parse_args()


class Desk:
    """What the parts of the server below share: the options, the counters, and who is trusted."""

    def __init__(self, options):
        self.options = options
        self.limit = options.limit
        self.requests = Counter()
        self.faults = Counter()
        self.server = None

    def holds(self, folder, der):
        files = (self.options.folder / folder).glob("*.der")
        return any(file.read_bytes() == der for file in files)

    def is_trusted(self, der):
        if self.options.accept_all or self.holds("trusted/certs", der):
            return True
        name = hashlib.sha1(der).hexdigest()
        (self.options.folder / f"rejected/{name}.der").write_bytes(der)
        return False

    def items(self):
        subscriptions = self.server.iserver.subscription_service.subscriptions.values()
        return sum(len(subscription.monitored_item_srv._monitored_items) for subscription in subscriptions)

    def sessions(self):
        return list(self.server.iserver._external_sessions.values())


desk = Desk(arguments())
is_secured = contextvars.ContextVar("whether the request at hand came on a secured channel")


class Processor(UaProcessor):
    """asyncua's, with the refusals that the options ask for, and a strict look at session and token."""

    def send_response(self, requesthandle, seqhdr, response, msgtype=ua.MessageType.SecureMessage):
        if isinstance(response, ua.ServiceFault):
            desk.faults[response.ResponseHeader.ServiceResult.name] += 1
        super().send_response(requesthandle, seqhdr, response, msgtype)

    def open_secure_channel(self, algohdr, seqhdr, body):
        desk.requests["OpenSecureChannel"] += 1
        der = algohdr.SenderCertificate
        if desk.options.untrusted == "eof" and der and not desk.is_trusted(der):
            self._transport.abort()
            return
        super().open_secure_channel(algohdr, seqhdr, body)

    async def _process_message(self, typeid, requesthdr, seqhdr, body):
        service = ua.ObjectIdNames[typeid.Identifier].removesuffix("Request_Encoding_DefaultBinary")
        desk.requests[service] += 1
        if service not in WITHOUT_SESSION:
            session = self.session
            is_gone = session is None or session.state is SessionState.Closed
            if is_gone or session.auth_token != requesthdr.AuthenticationToken:
                raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
        is_secured.set(self._connection.security_policy.Mode != ua.MessageSecurityMode.None_)
        most = desk.options.max_sessions
        if service == "CreateSession" and most and len(desk.sessions()) >= most:
            raise ServiceError(ua.StatusCodes.BadTooManySessions)
        if service == "CreateSubscription" and desk.options.no_subscriptions:
            raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
        if desk.limit and service in COUNTED:
            kind, field, _ = COUNTED[service]
            if len(getattr(struct_from_binary(kind, body.copy()), field)) > desk.limit:
                raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        return await super()._process_message(typeid, requesthdr, seqhdr, body)


class Session(InternalSession):
    """asyncua's, that knows a user's certificate from the channel's."""

    def activate_session(self, params, peer_certificate):
        token = params.UserIdentityToken
        if isinstance(token, ua.X509IdentityToken) and not desk.holds("users/trusted/certs", token.CertificateData):
            raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        return super().activate_session(params, peer_certificate)


class Items(MonitoredItemService):
    """asyncua's, with a limit on all items."""

    async def _create_data_change_monitored_item(self, params):
        if desk.options.max_items and desk.items() >= desk.options.max_items:
            return ua.MonitoredItemCreateResult(StatusCode=ua.StatusCode(ua.StatusCodes.BadTooManyMonitoredItems))
        return await super()._create_data_change_monitored_item(params)


class Users:
    def get_user(self, iserver, username=None, password=None, certificate=None):
        if username is not None and PASSWORDS.get(username) != password:
            return None
        return User(role=UserRole.User, name=username)


binary_server_asyncio.UaProcessor = Processor
internal_server.InternalSession = Session
internal_subscription.MonitoredItemService = Items


def own_certificate(options):
    """Files of the server's certificate and key, made when missing."""
    certificate = options.folder / f"own/certs/{options.certificate}.der"
    key_file = options.folder / f"own/private/{options.certificate}.pem"
    for folder in ("own/certs", "own/private", "trusted/certs", "rejected", "users/trusted/certs"):
        (options.folder / folder).mkdir(parents=True, exist_ok=True)
    if certificate.exists() and key_file.exists():
        return certificate, key_file
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    host = options.certificate_host
    hosts = [x509.DNSName(host)] if host else [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"asyncua {options.certificate}")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    begin, end = (now - 30 * day, now - day) if options.certificate_expired else (now - day, now + 365 * day)
    uses = dict.fromkeys(("key_agreement", "crl_sign", "encipher_only", "decipher_only"), False)
    uses |= dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_cert_sign"), True)
    ends = [x509.ExtendedKeyUsageOID.SERVER_AUTH, x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, end)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(options.certificate_uri), *hosts]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.KeyUsage(**uses), True)
        .add_extension(x509.ExtendedKeyUsage(ends), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(key.private_bytes(*pem))
    certificate.write_bytes(made.public_bytes(DER))
    return certificate, key_file


async def check_client(certificate, description):
    """Turns away clients that are not trusted, and certificates that the standard does not allow (Part 6, 6.2.2). Without
    security nobody has shown that the certificate is his, so it does not count."""
    if not is_secured.get():
        return
    if not desk.is_trusted(certificate.public_bytes(DER)):
        raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)
    strict = CertificateValidatorOptions.EXT_VALIDATION | CertificateValidatorOptions.PEER_CLIENT
    await CertificateValidator(strict)(certificate, description)


def machine_at(n):
    """The values at the n-th change: only those that differ from the one before."""
    values = {
        "Machine.Speed": ua.Variant(n / 2, ua.VariantType.Double),
        "Machine.Count": ua.Variant(n % 2**32, ua.VariantType.UInt32),
        "Machine.Analog": ua.Variant(float(100 - abs(n % 200 - 100)), ua.VariantType.Double),
    }
    if n % 10 == 0:
        temps = [20.0 + n // 10 % 50 + zone for zone in range(4)]
        values["Machine.Temps"] = ua.Variant(temps, ua.VariantType.Double)
    if n % 20 == 0:
        values["Machine.Running"] = ua.Variant(n // 20 % 2 == 0, ua.VariantType.Boolean)
    if n % 50 == 0:
        values["Machine.Order"] = ua.Variant(f"订单 {n // 50} 号", ua.VariantType.String)
    if n % 100 == 0:
        values["Machine.State"] = ua.Variant(n // 100 % 8, ua.VariantType.Int32)
    if n == 0:
        values["Machine.Fixed"] = ua.Variant(42.5, ua.VariantType.Double)
        values["Machine.Limits"] = ua.Variant(ua.Range(Low=0.0, High=150.0), ua.VariantType.ExtensionObject)
    return values


class Machine:
    def __init__(self, server, index, options):
        self.space = server.iserver.aspace
        self.server = server
        self.index = index
        self.held = set()
        self.names = list(machine_at(0)) + [f"Load.{n:04}" for n in range(options.load)]
        self.changes = 0
        self.steps = 0
        self.rate = options.rate
        self.is_paused = options.paused

    def node_id(self, name):
        return ua.NodeId(name, self.index)

    def data(self, name):
        node = self.space.get(self.node_id(name))
        if node is None:
            raise LookupError(f"no node {name}")
        return node.attributes[ua.AttributeIds.Value]

    async def build(self):
        machine = await self.server.nodes.objects.add_object(self.node_id("Machine"), ua.QualifiedName("Machine", self.index))
        load = await self.server.nodes.objects.add_object(self.node_id("Load"), ua.QualifiedName("Load", self.index))
        self.parents = {"Machine": machine, "Load": load}
        for name in self.names:
            await self.add(name)

    async def add(self, name):
        if name not in self.names:
            raise LookupError(f"no node {name} in the model")
        parent, _, last = name.partition(".")
        value = machine_at(0).get(name, ua.Variant(self.steps, ua.VariantType.UInt32))
        datatype = ua.NodeId(ua.ObjectIds.ServerState) if name == "Machine.State" else None
        browse_name = ua.QualifiedName(last, self.index)
        node = await self.parents[parent].add_variable(self.node_id(name), browse_name, value, datatype=datatype)
        if name == "Machine.Analog":
            base, analog = ua.ObjectIds.BaseDataVariableType, ua.ObjectIds.AnalogItemType
            await node.delete_reference(base, ua.ObjectIds.HasTypeDefinition)
            await node.add_reference(analog, ua.ObjectIds.HasTypeDefinition)
            celsius = ua.EUInformation("http://www.opcfoundation.org/UA/units/un/cefact", 4408652, ua.LocalizedText("°C"))
            for part, fact in (("EURange", ua.Range(Low=0.0, High=100.0)), ("EngineeringUnits", celsius)):
                await node.add_property(self.node_id(f"{name}.{part}"), ua.QualifiedName(part, 0), fact)
        await self.put(name, ua.DataValue(value, SourceTimestamp=ua_now()))

    async def remove(self, name):
        self.data(name)
        inner = [f"{name}.EURange", f"{name}.EngineeringUnits"] if name == "Machine.Analog" else []
        gone = [ua.DeleteNodesItem(self.node_id(each), True) for each in [*inner, name]]
        for result in await self.server.iserver.isession.delete_nodes(ua.DeleteNodesParameters(gone)):
            result.check()

    async def put(self, name, value):
        """Writes past the check of the node's type, and tells the monitored items."""
        data = self.data(name)
        data.value = value
        for handle, tell in list(data.datachange_callbacks.items()):
            await tell(handle, value)

    async def change(self):
        self.changes += 1
        await self.put_all(machine_at(self.changes))

    async def step(self):
        self.steps += 1
        value = ua.Variant(self.steps % 2**32, ua.VariantType.UInt32)
        await self.put_all({name: value for name in self.names if name.startswith("Load.")})

    async def put_all(self, values):
        now = ua_now()
        for name, value in values.items():
            if name not in self.held and self.node_id(name) in self.space:
                await self.put(name, ua.DataValue(value, SourceTimestamp=now))

    async def run(self, act, rate):
        """Keeps the rate over time: a late change is made up for."""
        loop = asyncio.get_running_loop()
        due, hertz = loop.time(), rate()
        while True:
            if self.is_paused or hertz <= 0 or hertz != rate():
                await asyncio.sleep(0.02)
                due, hertz = loop.time(), rate()
                continue
            # In short naps, so that a pause and another rate hold at once.
            await asyncio.sleep(max(0, min(due + 1 / hertz - loop.time(), 0.05)))
            if not self.is_paused and hertz == rate() and loop.time() >= due + 1 / hertz:
                due = max(due + 1 / hertz, loop.time() - 1)
                await act()


def ua_now():
    return datetime.datetime.now(datetime.timezone.utc)


def status_code(text):
    if text.startswith("0x"):
        return ua.StatusCode(int(text, 16))
    if not re.match("Good|Uncertain|Bad", text) or not hasattr(ua.StatusCodes, text):
        raise ValueError(f"no status code {text}")
    return ua.StatusCode(getattr(ua.StatusCodes, text))


def variant(kind, value):
    name, is_array = kind.removesuffix("[]"), kind.endswith("[]")
    variant_type = ua.VariantType[name]
    real = {"Float": float, "Double": float}.get(name, lambda one: one)
    if name == "DateTime":
        real = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
    return ua.Variant([real(one) for one in value] if is_array else real(value), variant_type, is_array=is_array)


SET = re.compile(r"(\S+) (\S+) (.+?)(?: ((?:Good|Uncertain|Bad)\w*|0x[0-9a-fA-F]+))?(?: @(\d+))?")


class Commands:
    def __init__(self, server, machine):
        self.server = server
        self.machine = machine

    async def answer(self, line):
        word, _, rest = line.strip().partition(" ")
        try:
            act = getattr(self, f"do_{word}", None)
            if act is None:
                return f"error: no command {word}"
            return await act(rest.strip()) or "ok"
        except Exception as error:  # whatever it was, the test that asked shall read it
            return f"error: {type(error).__name__}: {error}"

    async def do_set(self, rest):
        name, kind, value, status, ms = SET.fullmatch(rest).groups()
        time = datetime.datetime.fromtimestamp(int(ms) / 1000, datetime.timezone.utc) if ms else ua_now()
        status = status_code(status or "Good")
        value = None if status.is_bad() else variant(kind, json.loads(value))
        await self.machine.put(name, ua.DataValue(value, status, SourceTimestamp=time))
        self.machine.held.add(name)

    async def do_status(self, rest):
        name, status = rest.split()
        status = status_code(status)
        last = None if status.is_bad() else self.machine.data(name).value.Value
        await self.machine.put(name, ua.DataValue(last, status, SourceTimestamp=ua_now()))
        self.machine.held.add(name)

    async def do_release(self, name):
        self.machine.data(name)
        self.machine.held.discard(name)

    async def do_remove(self, name):
        await self.machine.remove(name)

    async def do_add(self, name):
        await self.machine.add(name)

    async def do_delete_subscriptions(self, how):
        service = self.server.iserver.subscription_service
        await service.delete_subscriptions(list(service.subscriptions))
        if how == "tell":
            self.answer_waiting(ua.StatusCodes.BadNoSubscription)

    async def do_close_sessions(self, how):
        self.answer_waiting(ua.StatusCodes.BadSessionClosed)
        for session in desk.sessions():
            await session.close_session(how != "keep")

    def answer_waiting(self, code):
        """Publish requests that wait for news get a fault instead."""
        for client in self.server.bserver.clients:
            waiting = client.processor._publish_requests
            while waiting:
                request = waiting.popleft()
                fault = ua.ServiceFault()
                fault.ResponseHeader.ServiceResult = ua.StatusCode(code)
                client.processor.send_response(request.requesthdr.RequestHandle, request.seqhdr, fault)

    async def do_pause(self, _):
        self.machine.is_paused = True

    async def do_resume(self, _):
        self.machine.is_paused = False

    async def do_step(self, _):
        await self.machine.change()
        await self.machine.step()

    async def do_rate(self, hertz):
        self.machine.rate = float(hertz)

    async def do_limit(self, rest):
        count, *hide = rest.split()
        await set_limit(self.server, int(count), bool(hide))

    async def do_stats(self, _):
        facts = {
            "sessions": len(desk.sessions()),
            "subscriptions": len(self.server.iserver.subscription_service.subscriptions),
            "items": desk.items(),
            "connections": len(self.server.bserver.clients),
            "changes": self.machine.changes,
            "steps": self.machine.steps,
            "requests": desk.requests,
            "faults": desk.faults,
        }
        return json.dumps(facts)

    async def do_quit(self, _):
        print("ok", flush=True)
        os._exit(0)


async def set_limit(server, limit, is_hidden):
    desk.limit = limit
    for name in {each[2] for each in COUNTED.values()}:
        node = server.get_node(ua.NodeId(getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{name}")))
        await node.write_value(ua.Variant(0 if is_hidden else limit, ua.VariantType.UInt32))


def listen_to_parent(loop, commands):
    for line in sys.stdin:
        print(asyncio.run_coroutine_threadsafe(commands.answer(line), loop).result(), flush=True)
    os._exit(0)


def policy_types(options):
    for policy in options.policies:
        if policy == "None":
            yield ua.SecurityPolicyType.NoSecurity
            continue
        for mode in options.modes:
            yield ua.SecurityPolicyType[f"{policy.replace('_', '')}_{mode}"]


async def main(options):
    certificate, key = own_certificate(options)
    server = Server(user_manager=Users())
    desk.server = server
    server._application_uri = SERVER_URI
    await server.init()
    server.name = "asyncua for cloudward"
    server.set_endpoint(f"opc.tcp://{options.advertise or '127.0.0.1'}:{options.port}{options.path}")
    server.socket_address = ("127.0.0.1", options.port)
    if options.advertise:
        server.set_match_discovery_endpoint_url(False)
        server.set_match_discovery_client_ip(False)
    server.set_security_policy(list(policy_types(options)))
    tokens = {"anonymous": ua.AnonymousIdentityToken, "password": ua.UserNameIdentityToken, "certificate": ua.X509IdentityToken}
    server.set_identity_tokens([tokens[user] for user in options.users])
    await server.load_certificate(certificate)
    await server.load_private_key(key)
    server.iserver.certificate_validator = check_client
    if options.max_subscriptions:
        server.iserver.max_subscriptions = options.max_subscriptions
    if options.limit:
        await set_limit(server, options.limit, options.hide_limits)
    for n in range(options.namespaces_before):
        await server.register_namespace(f"urn:cloudward:test:other-{n}")
    machine = Machine(server, await server.register_namespace(MACHINE_URI), options)
    await machine.build()
    await server.start()
    threading.Thread(target=listen_to_parent, args=(asyncio.get_running_loop(), Commands(server, machine)), daemon=True).start()
    print("ready", flush=True)
    await asyncio.gather(
        machine.run(machine.change, lambda: CHANGES_PER_SECOND),
        machine.run(machine.step, lambda: machine.rate),
    )


logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8")
asyncio.run(main(desk.options))
