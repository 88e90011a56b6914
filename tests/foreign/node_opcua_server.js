// An OPC UA server that was not written here: node-opcua (npm), serving "the machine" of asyncua_server.py.
//
// Usage: NODE_PATH=target/node/node_modules node node_opcua_server.js PORT FOLDER [OPTION...]
//
// The head of asyncua_server.py tells the folder, the options, the nodes and the commands; they are the same here:
//   options   --load N, --rate HZ, --namespaces-before N, --policies P,P, --modes M,M, --users U,U, --path /P, --advertise HOST,
//             --accept-all, --certificate NAME, --certificate-uri URI, --certificate-host HOST, --certificate-expired,
//             --limit N, --hide-limits, --max-sessions N, --max-subscriptions N, --max-items N, --no-subscriptions, --paused
//   commands  set NODE TYPE JSON [STATUS] [@MS], status NODE STATUS, release NODE, remove NODE, add NODE,
//             delete_subscriptions [tell], close_sessions [keep], pause, resume, step, rate HZ, limit N [hide], stats, quit
//
// What node-opcua does by itself, and asyncua does not: an unknown client is turned away at OpenSecureChannel, after a pause, with a
// message of type ERR whose body is no error message but a ServiceFault in the shape of a secured chunk; a sampling interval above 0
// is kept (at least 50 ms); a removed node reports BadNodeIdInvalid once to its monitored items; percent deadbands and the transfer
// of subscriptions work; a session that closes without its subscriptions leaves them to be transferred; a Publish request that comes
// on a session's old connection gets BadSecureChannelIdInvalid. What it cannot do: --untrusted, and to protect a password or a user's
// certificate on an endpoint without security when Aes256_Sha256_RsaPss is the only policy besides None.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const crypto = require("node:crypto");
const readline = require("node:readline");

// Standard output belongs to the answers; whatever the stack has to say goes to standard error.
console.log = console.info = console.warn = console.debug = console.error;

const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { CertificatePurpose, createSelfSignedCertificate, pemToPrivateKey, exploreCertificate } = require("node-opcua-crypto");
const { standardUnits } = require("node-opcua-data-access");
const { DataValue } = require("node-opcua-data-value");
const { nodesets } = require("node-opcua-nodesets");
const { SecurityPolicy, MessageSecurityMode } = require("node-opcua-secure-channel");
const { OPCUAServer } = require("node-opcua-server");
const { StatusCodes, getStatusCodeFromCode } = require("node-opcua-status-code");
const { Range, ServiceFault, UserTokenType } = require("node-opcua-types");
const { DataType, Variant, VariantArrayType } = require("node-opcua-variant");

const SERVER_URI = "urn:cloudward:test:server";
const MACHINE_URI = "urn:cloudward:test:machine";
const PASSWORDS = { gateway: "s3cret" };
const POLICIES = "None,Basic256Sha256,Aes128_Sha256_RsaOaep,Aes256_Sha256_RsaPss";
const CHANGES_PER_SECOND = 10;
const DAY_MS = 86400000;
// Where each request carries what OperationLimits counts.
const COUNTED = {
    ReadRequest: ["nodesToRead", "maxNodesPerRead"],
    WriteRequest: ["nodesToWrite", "maxNodesPerWrite"],
    BrowseRequest: ["nodesToBrowse", "maxNodesPerBrowse"],
    TranslateBrowsePathsToNodeIdsRequest: ["browsePaths", "maxNodesPerTranslateBrowsePathsToNodeIds"],
    RegisterNodesRequest: ["nodesToRegister", "maxNodesPerRegisterNodes"],
    CreateMonitoredItemsRequest: ["itemsToCreate", "maxMonitoredItemsPerCall"],
    ModifyMonitoredItemsRequest: ["itemsToModify", "maxMonitoredItemsPerCall"],
    DeleteMonitoredItemsRequest: ["monitoredItemIds", "maxMonitoredItemsPerCall"],
    SetMonitoringModeRequest: ["monitoredItemIds", "maxMonitoredItemsPerCall"],
};

function readArguments() {
    const options = {
        load: 0, rate: 1, namespacesBefore: 0, policies: POLICIES, modes: "Sign,SignAndEncrypt",
        users: "anonymous,password,certificate", path: "", advertise: "", acceptAll: false,
        certificate: "server", certificateUri: SERVER_URI, certificateHost: "", certificateExpired: false, limit: 0,
        hideLimits: false, maxSessions: 0, maxSubscriptions: 0, maxItems: 0, noSubscriptions: false, paused: false,
    };
    const words = process.argv.slice(2);
    options.port = Number(words.shift());
    options.folder = words.shift();
    while (words.length) {
        const word = words.shift();
        const key = word.replace(/^--/, "").replace(/-(.)/g, (_, letter) => letter.toUpperCase());
        if (!(key in options)) throw new Error(`no option ${word}`);
        const kind = typeof options[key];
        options[key] = kind === "boolean" ? true : kind === "number" ? Number(words.shift()) : words.shift();
    }
    return options;
}

/** Counts requests and faults, and refuses what the options ask to refuse. */
class Server extends OPCUAServer {
    constructor(options, settings) {
        super(settings);
        this.choices = options;
        this.limitPerCall = options.limit;
        this.requests = {};
        this.faults = {};
        this.on("newChannel", () => count(this.requests, "OpenSecureChannel"));
        this.on("response", (response) => {
            const status = response.responseHeader.serviceResult;
            if (status.isNotGood()) count(this.faults, status.name);
        });
    }

    on_request(message, channel) {
        const kind = message.request.schema.name;
        count(this.requests, kind.replace(/Request$/, ""));
        const refusal = this.refusal(kind, message.request);
        if (!refusal) return super.on_request(message, channel);
        channel.send_response("MSG", new ServiceFault({ responseHeader: { serviceResult: refusal } }), message, () => {});
    }

    refusal(kind, request) {
        if (kind === "CreateSubscriptionRequest" && this.choices.noSubscriptions) return StatusCodes.BadServiceUnsupported;
        const [field] = COUNTED[kind] ?? [];
        const isTooMany = field && this.limitPerCall > 0 && request[field]?.length > this.limitPerCall;
        return isTooMany ? StatusCodes.BadTooManyOperations : null;
    }

    setLimit(limit, isHidden) {
        this.limitPerCall = limit;
        for (const [, name] of Object.values(COUNTED)) this.engine.serverCapabilities.operationLimits[name] = isHidden ? 0 : limit;
    }

    get sessions() {
        return Object.values(this.engine._sessions);
    }
}

function count(counters, name) {
    counters[name] = (counters[name] ?? 0) + 1;
}

/** node-opcua's, but its folder is read at each connection, and a certificate in `trusted` is trusted whatever it was before. */
class Keeper extends OPCUACertificateManager {
    constructor(folder, acceptsAll) {
        super({ rootFolder: folder, automaticallyAcceptUnknownCertificate: false, name: path.basename(folder) });
        this.folder = folder;
        this.acceptsAll = acceptsAll;
    }

    checkCertificate(certificate, callback) {
        const status = this.judge(certificate);
        return callback ? callback(null, status) : Promise.resolve(status);
    }

    judge(certificate) {
        const { notBefore, notAfter } = exploreCertificate(certificate).tbsCertificate.validity;
        const now = new Date();
        if (now < notBefore || now > notAfter) return StatusCodes.BadCertificateTimeInvalid;
        const trusted = path.join(this.folder, "trusted/certs");
        const files = fs.readdirSync(trusted).filter((name) => name.endsWith(".der"));
        if (this.acceptsAll || files.some((name) => fs.readFileSync(path.join(trusted, name)).equals(certificate))) {
            return StatusCodes.Good;
        }
        const thumbprint = crypto.createHash("sha1").update(certificate).digest("hex");
        fs.writeFileSync(path.join(this.folder, `rejected/${thumbprint}.der`), certificate);
        return StatusCodes.BadCertificateUntrusted;
    }
}

/** Files of the server's certificate and key, made when missing. */
async function ownCertificate(options) {
    const certificateFile = path.join(options.folder, `own/certs/${options.certificate}.der`);
    const privateKeyFile = path.join(options.folder, `own/private/${options.certificate}.pem`);
    for (const folder of ["own/certs", "own/private", "trusted/certs", "rejected", "users/trusted/certs", "users/rejected"]) {
        fs.mkdirSync(path.join(options.folder, folder), { recursive: true });
    }
    if (fs.existsSync(certificateFile) && fs.existsSync(privateKeyFile)) return { certificateFile, privateKeyFile };
    const pair = crypto.generateKeyPairSync("rsa", {
        modulusLength: 2048,
        publicKeyEncoding: { type: "spki", format: "pem" },
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const now = Date.now();
    const [begin, end] = options.certificateExpired ? [now - 30 * DAY_MS, now - DAY_MS] : [now - DAY_MS, now + 365 * DAY_MS];
    const { cert } = await createSelfSignedCertificate({
        privateKey: await pemToPrivateKey(pair.privateKey),
        notBefore: new Date(begin),
        notAfter: new Date(end),
        validity: 0,
        subject: `CN=node-opcua ${options.certificate}`,
        dns: [options.certificateHost || "localhost"],
        ip: options.certificateHost ? [] : ["127.0.0.1"],
        applicationUri: options.certificateUri,
        purpose: CertificatePurpose.ForApplication,
    });
    fs.writeFileSync(privateKeyFile, pair.privateKey);
    fs.writeFileSync(certificateFile, new crypto.X509Certificate(cert).raw);
    return { certificateFile, privateKeyFile };
}

/** The values at the n-th change: only those that differ from the one before. */
function machineAt(n) {
    const values = {
        "Machine.Speed": new Variant({ dataType: DataType.Double, value: n / 2 }),
        "Machine.Count": new Variant({ dataType: DataType.UInt32, value: n % 2 ** 32 }),
        "Machine.Analog": new Variant({ dataType: DataType.Double, value: 100 - Math.abs((n % 200) - 100) }),
    };
    if (n % 10 === 0) {
        const value = [0, 1, 2, 3].map((zone) => 20 + (Math.floor(n / 10) % 50) + zone);
        values["Machine.Temps"] = new Variant({ dataType: DataType.Double, arrayType: VariantArrayType.Array, value });
    }
    if (n % 20 === 0) values["Machine.Running"] = new Variant({ dataType: DataType.Boolean, value: (n / 20) % 2 === 0 });
    if (n % 50 === 0) values["Machine.Order"] = new Variant({ dataType: DataType.String, value: `订单 ${n / 50} 号` });
    if (n % 100 === 0) values["Machine.State"] = new Variant({ dataType: DataType.Int32, value: (n / 100) % 8 });
    if (n === 0) {
        values["Machine.Fixed"] = new Variant({ dataType: DataType.Double, value: 42.5 });
        values["Machine.Limits"] = new Variant({ dataType: DataType.ExtensionObject, value: new Range({ low: 0, high: 150 }) });
    }
    return values;
}

class Machine {
    constructor(addressSpace, namespace, options) {
        this.addressSpace = addressSpace;
        this.namespace = namespace;
        this.held = new Set();
        this.names = [...Object.keys(machineAt(0)), ...Array.from({ length: options.load }, (_, n) => `Load.${String(n).padStart(4, "0")}`)];
        this.changes = 0;
        this.steps = 0;
        this.rate = options.rate;
        this.isPaused = options.paused;
        this.nodes = new Map();
        const objects = addressSpace.rootFolder.objects;
        this.parents = {};
        for (const name of ["Machine", "Load"]) {
            this.parents[name] = namespace.addObject({ organizedBy: objects, browseName: name, nodeId: `s=${name}` });
        }
        for (const name of this.names) this.add(name);
    }

    node(name) {
        const node = this.nodes.get(name);
        if (!node) throw new Error(`no node ${name}`);
        return node;
    }

    add(name) {
        if (!this.names.includes(name)) throw new Error(`no node ${name} in the model`);
        if (this.nodes.has(name)) throw new Error(`${name} is there`);
        const [parent, browseName] = name.split(".");
        const value = machineAt(0)[name] ?? new Variant({ dataType: DataType.UInt32, value: this.steps });
        const special = { "Machine.State": "ServerState", "Machine.Limits": "Range" };
        const facts = {
            componentOf: this.parents[parent],
            browseName,
            nodeId: `s=${name}`,
            dataType: special[name] ?? DataType[value.dataType],
            valueRank: value.arrayType === VariantArrayType.Array ? 1 : -1,
            value,
        };
        if (name === "Machine.Analog") {
            const range = { engineeringUnitsRange: { low: 0, high: 100 }, engineeringUnits: standardUnits.degree_celsius };
            this.nodes.set(name, this.namespace.addAnalogDataItem({ ...facts, ...range }));
        } else {
            this.nodes.set(name, this.namespace.addVariable(facts));
        }
        this.nodes.get(name).verifyVariantCompatibility = () => {}; // so that `set` can give it a foreign type
        this.put(name, value, StatusCodes.Good, new Date());
    }

    remove(name) {
        this.addressSpace.deleteNode(this.node(name));
        this.nodes.delete(name);
    }

    /** Writes, and tells the monitored items. */
    put(name, value, statusCode, time) {
        const node = this.node(name);
        const facts = { statusCode, sourceTimestamp: time, serverTimestamp: new Date() };
        if (value) facts.value = value;
        node._internal_set_dataValue(new DataValue(facts));
    }

    putAll(values) {
        const now = new Date();
        for (const [name, value] of Object.entries(values)) {
            if (!this.held.has(name) && this.nodes.has(name)) this.put(name, value, StatusCodes.Good, now);
        }
    }

    change() {
        this.changes += 1;
        this.putAll(machineAt(this.changes));
    }

    step() {
        this.steps += 1;
        const value = () => new Variant({ dataType: DataType.UInt32, value: this.steps % 2 ** 32 });
        this.putAll(Object.fromEntries(this.names.filter((name) => name.startsWith("Load.")).map((name) => [name, value()])));
    }

    /** Keeps the rate over time: a late change is made up for. In short naps, so that a pause and another rate hold at once. */
    run(act, rate) {
        let [due, hertz] = [performance.now(), rate()];
        const nap = () => {
            const now = performance.now();
            if (this.isPaused || !(hertz > 0) || hertz !== rate()) {
                [due, hertz] = [now, rate()];
                setTimeout(nap, 20);
                return;
            }
            if (now >= due + 1000 / hertz) {
                due = Math.max(due + 1000 / hertz, now - 1000);
                act();
            }
            setTimeout(nap, Math.max(0, Math.min(due + 1000 / hertz - performance.now(), 50)));
        };
        nap();
    }
}

function statusCode(text) {
    if (text.startsWith("0x")) return getStatusCodeFromCode(parseInt(text, 16));
    if (!/^(Good|Uncertain|Bad)/.test(text) || !StatusCodes[text]) throw new Error(`no status code ${text}`);
    return StatusCodes[text];
}

function variant(kind, json) {
    const isArray = kind.endsWith("[]");
    const dataType = DataType[kind.replace("[]", "")];
    if (dataType === undefined) throw new Error(`no type ${kind}`);
    const wide = (number) => {
        const bits = BigInt.asUintN(64, BigInt(number));
        return [Number(bits >> 32n), Number(bits & 0xffffffffn)]; // node-opcua's form of 64 bits
    };
    const real = (one) => {
        if (dataType === DataType.DateTime) return new Date(one);
        return dataType === DataType.Int64 || dataType === DataType.UInt64 ? wide(one) : one;
    };
    // Whole numbers beyond 2^53 keep their digits: they are read as text.
    const value = JSON.parse(json.replace(/(?<![\w."])-?\d{16,}(?![\w."])/g, '"$&"'));
    const arrayType = isArray ? VariantArrayType.Array : VariantArrayType.Scalar;
    return new Variant({ dataType, arrayType, value: isArray ? value.map(real) : real(value) });
}

const SET = /^(\S+) (\S+) (.+?)(?: ((?:Good|Uncertain|Bad)\w*|0x[0-9a-fA-F]+))?(?: @(\d+))?$/;

function commands(server, machine) {
    const isBad = (status) => status.value >= 0x80000000;
    return {
        set(rest) {
            const [, name, kind, json, status, ms] = SET.exec(rest);
            const code = statusCode(status ?? "Good");
            machine.put(name, isBad(code) ? null : variant(kind, json), code, ms ? new Date(Number(ms)) : new Date());
            machine.held.add(name);
        },
        status(rest) {
            const [name, status] = rest.split(" ");
            const code = statusCode(status);
            machine.put(name, isBad(code) ? null : machine.node(name).readValue().value, code, new Date());
            machine.held.add(name);
        },
        release(name) {
            machine.node(name);
            machine.held.delete(name);
        },
        remove: (name) => machine.remove(name),
        add: (name) => machine.add(name),
        delete_subscriptions(how) {
            const engines = server.sessions.map((session) => session.publishEngine);
            if (server.engine._orphanPublishEngine) engines.push(server.engine._orphanPublishEngine);
            for (const engine of engines) {
                if (how !== "tell") engine.cancelPendingPublishRequest = () => {};
                for (const subscription of engine.subscriptions) subscription.terminate();
                delete engine.cancelPendingPublishRequest; // the class's own is back
            }
        },
        close_sessions(how) {
            for (const session of server.sessions) server.engine.closeSession(session.authenticationToken, how !== "keep", "Terminated");
        },
        pause() {
            machine.isPaused = true;
        },
        resume() {
            machine.isPaused = false;
        },
        step() {
            machine.change();
            machine.step();
        },
        rate(hertz) {
            machine.rate = Number(hertz);
        },
        limit(rest) {
            const [limit, hide] = rest.split(" ");
            server.setLimit(Number(limit), Boolean(hide));
        },
        stats() {
            return JSON.stringify({
                sessions: server.engine.currentSessionCount,
                subscriptions: server.engine.currentSubscriptionCount,
                items: server.engine._globalCounter.totalMonitoredItemCount,
                connections: server.currentChannelCount,
                changes: machine.changes,
                steps: machine.steps,
                requests: server.requests,
                faults: server.faults,
            });
        },
        quit() {
            process.stdout.write("ok\n", () => process.exit(0));
            return null;
        },
    };
}

function listenToParent(known) {
    const lines = readline.createInterface({ input: process.stdin });
    lines.on("line", (line) => {
        const [, word, rest] = /^(\S*) ?(.*)$/.exec(line.trim());
        let answer;
        try {
            if (!Object.hasOwn(known, word)) throw new Error(`no command ${word}`);
            answer = known[word](rest.trim());
        } catch (error) {
            answer = `error: ${error.message.split("\n")[0]}`; // whatever it was, the test that asked shall read it
        }
        if (answer !== null) process.stdout.write(`${typeof answer === "string" ? answer : "ok"}\n`);
    });
    lines.on("close", () => process.exit(0));
}

async function main() {
    const options = readArguments();
    const files = await ownCertificate(options);
    const keeper = new Keeper(options.folder, options.acceptAll);
    const userKeeper = new Keeper(path.join(options.folder, "users"), false);
    await Promise.all([keeper.initialize(), userKeeper.initialize()]);
    const policies = options.policies.split(",");
    const modes = options.modes.split(",").map((mode) => MessageSecurityMode[mode]);
    const isOpen = policies.includes("None");
    const server = new Server(options, {
        ...files,
        port: options.port,
        host: "127.0.0.1",
        hostname: options.advertise || "127.0.0.1",
        resourcePath: options.path,
        serverCertificateManager: keeper,
        userCertificateManager: userKeeper,
        securityPolicies: policies.map((name) => SecurityPolicy[name]),
        securityModes: isOpen ? [MessageSecurityMode.None, ...modes] : modes,
        allowAnonymous: options.users.includes("anonymous"),
        userManager: { isValidUser: (name, password) => PASSWORDS[name] === password },
        nodeset_filename: [nodesets.standard],
        serverInfo: { applicationUri: SERVER_URI, applicationName: { text: "node-opcua for cloudward" } },
        serverCapabilities: {
            maxSessions: options.maxSessions || 1000,
            maxSubscriptions: options.maxSubscriptions || 1000,
            maxSubscriptionsPerSession: 1000,
            maxMonitoredItems: options.maxItems || 1000000,
        },
    });
    await server.initialize();
    const { addressSpace } = server.engine;
    if (options.limit) server.setLimit(options.limit, options.hideLimits);
    const kinds = { anonymous: UserTokenType.Anonymous, password: UserTokenType.UserName, certificate: UserTokenType.Certificate };
    const offered = options.users.split(",").map((user) => kinds[user]);
    for (const endpoint of server.endpoints.flatMap((each) => each.endpointDescriptions())) {
        endpoint.userIdentityTokens = endpoint.userIdentityTokens.filter((token) => offered.includes(token.tokenType));
    }
    for (let n = 0; n < options.namespacesBefore; n += 1) addressSpace.registerNamespace(`urn:cloudward:test:other-${n}`);
    const machine = new Machine(addressSpace, addressSpace.registerNamespace(MACHINE_URI), options);
    await server.start();
    listenToParent(commands(server, machine));
    process.stdout.write("ready\n");
    machine.run(() => machine.change(), () => CHANGES_PER_SECOND);
    machine.run(() => machine.step(), () => machine.rate);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
