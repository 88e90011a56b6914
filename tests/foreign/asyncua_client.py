"""asyncua's own client, to prove the OPC UA servers of the tests before the agent meets them.

Usage: asyncua_client.py FOLDER

FOLDER gets client.der and client.pem (the application's certificate) and user.der and user.pem (a user's), made when missing.
Prints "ready"; then one command a line, each answered by one line: JSON, or "error NAME ..." with the status code's name.
NODE is a name in the machine's namespace. Ends when its standard input closes.

  endpoints URL                     [[policy, mode, [kinds of users]], ...]
  places URL                        addresses of the endpoints, each once
  certificate URL                   the server's: {uris, hosts, is_expired}
  connect URL POLICY MODE USER [PASSWORD]   USER: anonymous, certificate, or a name with its password
  namespaces                        the server's NamespaceArray
  limits                            OperationLimits: [MaxNodesPerRead, MaxMonitoredItemsPerCall]
  read NODE...                      [[value, status, source time in ms], ...]
  browse                            names of the nodes below Machine
  subscribe PERIOD_MS NODE...       status of each item; the sampling interval is 0, the queue 100
  deadband PERCENT NODE             the same with a percent deadband, in the subscription that stands
  seen                              {node: [[value, status, source time], ...]} since the last time it was asked
  is_subscribed                     what the server says of the subscription: "Good", or BadSubscriptionIdInvalid
  transfer URL POLICY MODE USER [PASSWORD]  a new session on a new connection takes over the subscription; the old connection
                                    is left without a word; the status of the transfer
  disconnect
"""

import asyncio
import datetime
import ipaddress
import json
import logging
import os
import sys
import threading
from pathlib import Path

from asyncua import Client, ua
from asyncua.crypto import security_policies
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_URI = "urn:cloudward:test:client"
MACHINE_URI = "urn:cloudward:test:machine"
OPERATION_LIMITS = ("MaxNodesPerRead", "MaxMonitoredItemsPerCall")


def certificate(folder, name):
    der, pem = folder / f"{name}.der", folder / f"{name}.pem"
    if der.exists() and pem.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    uses = dict.fromkeys(("key_agreement", "crl_sign", "encipher_only", "decipher_only", "key_cert_sign"), False)
    uses |= dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), True)
    places = [x509.UniformResourceIdentifier(CLIENT_URI), x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now - day, now + 30 * day)
        .add_extension(x509.SubjectAlternativeName(places), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.KeyUsage(**uses), True)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(key.private_bytes(*plain))
    der.write_bytes(made.public_bytes(serialization.Encoding.DER))


def plain(value):
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, ua.Range):
        return {"Low": value.Low, "High": value.High}
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def told(data):
    time = data.SourceTimestamp and round(data.SourceTimestamp.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    return [plain(data.Value.Value if data.Value else None), data.StatusCode.name, time]


class Talk:
    def __init__(self, folder):
        self.folder = folder
        self.client = None
        self.subscription = None
        self.news = {}

    def datachange_notification(self, node, _value, data):
        self.news.setdefault(node.nodeid.Identifier, []).append(told(data.monitored_item.Value))

    def status_change_notification(self, status):
        self.news.setdefault("status", []).append(status.Status.name)

    async def opened(self, url, policy, mode, user, password=None):
        client = Client(url, timeout=10)
        client.application_uri = CLIENT_URI
        client.session_timeout = 60_000
        if policy != "None":
            kind = getattr(security_policies, f"SecurityPolicy{policy.replace('_', '')}")
            files = (self.folder / "client.der", self.folder / "client.pem")
            await client.set_security(kind, *files, mode=ua.MessageSecurityMode[mode])
        if user == "certificate":
            await client.load_client_certificate(self.folder / "user.der")
            await client.load_private_key(self.folder / "user.pem")
        elif user != "anonymous":
            client.set_user(user)
            client.set_password(password)
        return client

    def nodes(self, names):
        return [self.client.get_node(ua.NodeId(name, self.index)) for name in names]

    async def do_endpoints(self, url):
        found = await Client(url).connect_and_get_server_endpoints()
        kinds = lambda one: sorted({token.TokenType.name for token in one.UserIdentityTokens})
        name = lambda one: one.SecurityPolicyUri.rpartition("#")[2]
        return [[name(one), one.SecurityMode.name.rstrip("_"), kinds(one)] for one in found]

    async def do_places(self, url):
        return sorted({one.EndpointUrl for one in await Client(url).connect_and_get_server_endpoints()})

    async def do_certificate(self, url):
        [der, *_] = {one.ServerCertificate for one in await Client(url).connect_and_get_server_endpoints()}
        shown = x509.load_der_x509_certificate(der)
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = names.get_values_for_type(x509.DNSName) + [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]
        return {
            "uris": names.get_values_for_type(x509.UniformResourceIdentifier),
            "hosts": hosts,
            "is_expired": shown.not_valid_after_utc < datetime.datetime.now(datetime.timezone.utc),
        }

    async def do_connect(self, *where):
        client = await self.opened(*where)
        await client.connect()
        self.client = client
        self.index = await client.get_namespace_index(MACHINE_URI)
        return "connected"

    async def do_namespaces(self):
        return await self.client.get_namespace_array()

    async def do_limits(self):
        place = "Server_ServerCapabilities_OperationLimits_"
        ids = [ua.NodeId(getattr(ua.ObjectIds, place + name)) for name in OPERATION_LIMITS]
        return await self.client.read_values([self.client.get_node(one) for one in ids])

    async def do_read(self, *names):
        return [told(data) for data in await self.client.read_attributes(self.nodes(names))]

    async def do_browse(self):
        [machine] = self.nodes(["Machine"])
        return sorted(node.nodeid.Identifier for node in await machine.get_children())

    async def do_subscribe(self, period, *names):
        self.subscription = await self.client.create_subscription(float(period), self)
        results = await self.subscription.subscribe_data_change(self.nodes(names), queuesize=100, sampling_interval=0)
        results = results if isinstance(results, list) else [results]
        return [result.name if isinstance(result, ua.StatusCode) else "Good" for result in results]

    async def do_deadband(self, percent, name):
        flt = ua.DataChangeFilter(ua.DataChangeTrigger.StatusValue, ua.DeadbandType.Percent, float(percent))
        request = ua.MonitoredItemCreateRequest(ua.ReadValueId(self.nodes([name])[0].nodeid, ua.AttributeIds.Value))
        request.MonitoringMode = ua.MonitoringMode.Reporting
        request.RequestedParameters = ua.MonitoringParameters(ClientHandle=9000, SamplingInterval=0, QueueSize=100, Filter=flt)
        [result] = await self.subscription.create_monitored_items([request])
        return result.name if isinstance(result, ua.StatusCode) else "Good"

    async def do_seen(self):
        news, self.news = self.news, {}
        return news

    async def do_is_subscribed(self):
        params = ua.SetPublishingModeParameters(True, [self.subscription.subscription_id])
        [status] = await self.client.uaclient.session.set_publishing_mode(params)
        return status.name

    async def do_transfer(self, *where):
        client = await self.opened(*where)
        await client.connect()
        self.client.uaclient.disconnect_socket()
        params = ua.TransferSubscriptionsParameters([self.subscription.subscription_id], True)
        session, number = client.uaclient.session, self.subscription.subscription_id
        [result] = await session.transfer_subscriptions(params)
        session._subscription_callbacks[number] = self.subscription.publish_callback
        session.ensure_publish_loop()
        self.client = client
        return result.StatusCode.name

    async def do_disconnect(self):
        client, self.client = self.client, None
        await client.disconnect()
        return "disconnected"

    async def answer(self, line):
        word, *rest = line.split()
        try:
            return json.dumps(await asyncio.wait_for(getattr(self, f"do_{word}")(*rest), 30))
        except Exception as error:  # whatever it was, the test that asked shall read it
            return f"error {type(error).__name__} {error}".replace("\n", " ")


def listen_to_parent(loop, talk):
    for line in sys.stdin:
        print(asyncio.run_coroutine_threadsafe(talk.answer(line), loop).result(), flush=True)
    os._exit(0)


async def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    certificate(folder, "client")
    certificate(folder, "user")
    loop = asyncio.get_running_loop()
    threading.Thread(target=listen_to_parent, args=(loop, Talk(folder)), daemon=True).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)
sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8")
asyncio.run(main())
