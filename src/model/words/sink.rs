//! Words for troubles with brokers and delivery: 40x secrets, 41x certificates and keys of ours, 42x the network on the
//! way to a broker, 43x its TLS, 44x its answer to our login, 45x a connection that was lost, 46x single messages, 463 to 479
//! budgets and records that a broker refuses again and again.
//!
//! Arguments: `broker` is `host:port`, `place` is a path or `$VARIABLE`, `error` is what the system said.

use crate::model::trouble::{Code, Text, Words};

/// A file that should hold a secret is not there.
pub const SECRET_FILE_MISSING: Code = Code("CW401");
/// A file that should hold a secret cannot be read.
pub const SECRET_UNREADABLE: Code = Code("CW402");
/// A secret is empty.
pub const SECRET_EMPTY: Code = Code("CW403");
/// A secret is not UTF-8 text.
pub const SECRET_NOT_TEXT: Code = Code("CW404");
/// An environment variable that should hold a secret is not set.
pub const VARIABLE_UNSET: Code = Code("CW405");
/// systemd gave no credentials.
pub const NO_CREDENTIALS_DIRECTORY: Code = Code("CW406");
/// systemd gave credentials, but not this one.
pub const CREDENTIAL_MISSING: Code = Code("CW407");
/// The CA file cannot be read.
pub const CA_FILE_UNREADABLE: Code = Code("CW411");
/// The CA file holds no usable certificate.
pub const CA_FILE_HOLDS_NONE: Code = Code("CW412");
/// The system has no root certificates.
pub const NO_SYSTEM_ROOTS: Code = Code("CW413");
/// The client certificate cannot be read.
pub const CLIENT_CERT_UNREADABLE: Code = Code("CW414");
/// The client certificate file holds no usable certificate.
pub const CLIENT_CERT_HOLDS_NONE: Code = Code("CW415");
/// The client certificate is of X.509 version 1.
pub const CLIENT_CERT_V1: Code = Code("CW416");
/// The client key cannot be used.
pub const CLIENT_KEY_UNUSABLE: Code = Code("CW417");
/// The client key belongs to another certificate.
pub const CLIENT_KEY_DOES_NOT_FIT: Code = Code("CW418");
/// TLS could not be prepared.
pub const TLS_SETUP: Code = Code("CW419");
/// The broker has accepted us.
pub const CONNECTED: Code = Code("CW420");
/// The name of the broker does not resolve.
pub const HOST_NOT_FOUND: Code = Code("CW421");
/// Nobody listens on the port of the broker.
pub const CONNECTION_REFUSED: Code = Code("CW422");
/// No way to the broker.
pub const NO_ROUTE: Code = Code("CW423");
/// The broker did not answer in time.
pub const CONNECT_TIMEOUT: Code = Code("CW424");
/// The broker hung up instead of answering.
pub const CLOSED_BEFORE_CONNACK: Code = Code("CW425");
/// The port does not speak MQTT.
pub const NOT_MQTT: Code = Code("CW426");
/// The connection failed for another reason.
pub const CONNECT_FAILED: Code = Code("CW427");
/// The port of the broker does not speak TLS.
pub const TLS_NOT_SPOKEN: Code = Code("CW431");
/// The certificate of the broker comes from an unknown CA.
pub const TLS_UNKNOWN_CA: Code = Code("CW432");
/// The certificate of the broker has expired.
pub const TLS_EXPIRED: Code = Code("CW433");
/// The certificate of the broker is not valid yet.
pub const TLS_NOT_YET_VALID: Code = Code("CW434");
/// The certificate of the broker is for another name.
pub const TLS_WRONG_NAME: Code = Code("CW435");
/// The broker refuses our client certificate.
pub const TLS_CLIENT_CERT_REFUSED: Code = Code("CW436");
/// No TLS version or cipher in common.
pub const TLS_NO_COMMON_GROUND: Code = Code("CW437");
/// The certificate of the broker cannot be accepted.
pub const TLS_CERT_UNUSABLE: Code = Code("CW438");
/// TLS failed for another reason.
pub const TLS_FAILED: Code = Code("CW439");
/// The broker does not speak MQTT 3.1.1.
pub const PROTOCOL_VERSION_REFUSED: Code = Code("CW441");
/// The broker refuses the client id.
pub const CLIENT_ID_REFUSED: Code = Code("CW442");
/// The broker is not ready.
pub const BROKER_UNAVAILABLE: Code = Code("CW443");
/// The broker refuses user name or password.
pub const BAD_USER_OR_PASSWORD: Code = Code("CW444");
/// The broker does not let us in.
pub const NOT_AUTHORIZED: Code = Code("CW445");
/// The broker closed the connection.
pub const LOST_CLOSED: Code = Code("CW451");
/// The broker stopped answering pings.
pub const LOST_KEEP_ALIVE: Code = Code("CW452");
/// The broker does not acknowledge.
pub const ACK_TIMEOUT: Code = Code("CW453");
/// Another client uses our client id.
pub const TAKEN_OVER: Code = Code("CW454");
/// The broker broke the rules of MQTT.
pub const LOST_PROTOCOL: Code = Code("CW455");
/// The network lost the connection.
pub const LOST_NETWORK: Code = Code("CW456");
/// The line takes no more bytes.
pub const LOST_STALLED: Code = Code("CW457");
/// The MQTT client ended without a word: a fault of ours.
pub const UPLINK_FAILED: Code = Code("CW458");
/// A message is larger than the sink allows.
pub const MESSAGE_TOO_LARGE: Code = Code("CW461");
/// A topic is not allowed by MQTT.
pub const TOPIC_INVALID: Code = Code("CW462");
/// The month's megabytes are used up.
pub const MONTH_USED_UP: Code = Code("CW463");
/// It is not the hour to send.
pub const NOT_THE_HOUR: Code = Code("CW464");
/// The budget allows sending again.
pub const BUDGET_OPEN: Code = Code("CW465");
/// Records go out one at a time, to find the one at which the broker hangs up.
pub const ONE_AT_A_TIME: Code = Code("CW466");
/// A record went to the quarantine.
pub const QUARANTINED: Code = Code("CW467");
/// Several records in a row went there.
pub const REFUSES_ALL: Code = Code("CW468");
/// The quarantine is full, and its oldest records were given up.
pub const QUARANTINE_FULL: Code = Code("CW469");
/// A birth message is not sent any more.
pub const BIRTH_REFUSED: Code = Code("CW470");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: SECRET_FILE_MISSING,
        what: Text { en: "the secret file {path} does not exist", zh: "密码或私钥文件 {path} 不存在" },
        cause: Text {
            en: "The path in the configuration is wrong, or the file was not put on this gateway.",
            zh: "配置里的路径写错了，或者文件还没有放到这台网关上。",
        },
        remedy: Text {
            en: "put the secret into {path}, readable by the service user only",
            zh: "把密码或私钥放进 {path}，并只允许服务用户读取",
        },
    },
    Words {
        code: SECRET_UNREADABLE,
        what: Text {
            en: "the secret file {path} cannot be read: {error}",
            zh: "无法读取密码或私钥文件 {path}：{error}",
        },
        cause: Text {
            en: "Usually the service user may not read the file, or the path is a directory.",
            zh: "多半是服务用户没有读权限，或者这个路径是目录。",
        },
        remedy: Text {
            en: "check owner and mode of {path}, e.g. chown to the service user and chmod 600",
            zh: "检查 {path} 的属主和权限，例如把属主改为服务用户并 chmod 600",
        },
    },
    Words {
        code: SECRET_EMPTY,
        what: Text { en: "the secret in {place} is empty", zh: "{place} 里的密码或私钥为空" },
        cause: Text {
            en: "The file or variable exists, but nothing was written into it.",
            zh: "文件或变量存在，但里面什么也没写。",
        },
        remedy: Text { en: "write the secret into {place}", zh: "把密码或私钥写入 {place}" },
    },
    Words {
        code: SECRET_NOT_TEXT,
        what: Text {
            en: "the secret in {place} is not UTF-8 text", zh: "{place} 里的密码或私钥不是 UTF-8 文本"
        },
        cause: Text {
            en: "Binary content, for example a key in DER form, stands where text is expected.",
            zh: "这里要的是文本，放的却是二进制内容，例如 DER 格式的私钥。",
        },
        remedy: Text {
            en: "put the password as UTF-8 text, or the key in PEM form, into {place}",
            zh: "在 {place} 里放 UTF-8 文本的密码，或 PEM 格式的私钥",
        },
    },
    Words {
        code: VARIABLE_UNSET,
        what: Text { en: "the environment variable {name} is not set", zh: "环境变量 {name} 没有设置" },
        cause: Text {
            en: "The variable was set in a shell, but not for the service.",
            zh: "变量只在终端里设置过，服务进程看不到。",
        },
        remedy: Text {
            en: "set {name} for the service, or better use a credential or a file",
            zh: "给服务设置 {name}；更好的做法是改用 systemd 凭据或文件",
        },
    },
    Words {
        code: NO_CREDENTIALS_DIRECTORY,
        what: Text {
            en: "the credential {name} was asked for, but systemd passed no credentials",
            zh: "配置要用凭据 {name}，但 systemd 没有传入任何凭据",
        },
        cause: Text {
            en: "The agent was started by hand, or its unit has no LoadCredential line.",
            zh: "程序是手工启动的，或者服务单元里没有 LoadCredential 这一行。",
        },
        remedy: Text {
            en: "add LoadCredential={name}:/path/of/the/secret to the unit (`cloudward unit` prints the lines) and restart it, or use a file",
            zh: "在服务单元里加上 LoadCredential={name}:/密钥文件的路径（可用 cloudward unit 生成）并重启，或改用文件",
        },
    },
    Words {
        code: CREDENTIAL_MISSING,
        what: Text {
            en: "systemd passed credentials, but none is named {name}",
            zh: "systemd 传入了凭据，但没有名为 {name} 的",
        },
        cause: Text {
            en: "The name in the configuration and the name in the unit differ.",
            zh: "配置里的名字和服务单元里的名字不一致。",
        },
        remedy: Text {
            en: "add LoadCredential={name}:/path/of/the/secret to the unit (`cloudward unit` prints the lines) and restart it",
            zh: "在服务单元里加上 LoadCredential={name}:/密钥文件的路径（可用 cloudward unit 生成）并重启",
        },
    },
    Words {
        code: CA_FILE_UNREADABLE,
        what: Text {
            en: "the CA file {path} cannot be read: {error}", zh: "无法读取 CA 证书文件 {path}：{error}"
        },
        cause: Text {
            en: "The path in ca_file is wrong, or the service user may not read it.",
            zh: "ca_file 写的路径不对，或者服务用户没有读权限。",
        },
        remedy: Text {
            en: "copy the CA certificate of the broker (PEM) to {path} and let the service user read it",
            zh: "把服务器的 CA 证书（PEM）放到 {path}，并允许服务用户读取",
        },
    },
    Words {
        code: CA_FILE_HOLDS_NONE,
        what: Text {
            en: "the CA file {path} holds no certificate that can be used",
            zh: "CA 证书文件 {path} 里没有可用的证书",
        },
        cause: Text {
            en: "The file is not PEM, is damaged, or holds a key or a request instead of a certificate.",
            zh: "文件不是 PEM 格式、已损坏，或者里面是私钥、证书请求而不是证书。",
        },
        remedy: Text {
            en: "{path} must hold -----BEGIN CERTIFICATE-----; convert DER with openssl x509 -inform der",
            zh: "{path} 里应有 -----BEGIN CERTIFICATE-----；DER 格式可用 openssl x509 -inform der 转换",
        },
    },
    Words {
        code: NO_SYSTEM_ROOTS,
        what: Text {
            en: "this system has no root certificates, so no broker can be verified",
            zh: "系统里没有根证书，无法核实任何服务器的身份",
        },
        cause: Text {
            en: "Small images often lack the package ca-certificates.",
            zh: "精简的系统镜像常常没有安装 ca-certificates。",
        },
        remedy: Text {
            en: "install the package ca-certificates, or name the CA of the broker in ca_file",
            zh: "安装 ca-certificates 软件包，或用 ca_file 指定服务器的 CA 证书",
        },
    },
    Words {
        code: CLIENT_CERT_UNREADABLE,
        what: Text {
            en: "the client certificate {path} cannot be read: {error}",
            zh: "无法读取客户端证书 {path}：{error}",
        },
        cause: Text {
            en: "The path in client_cert_file is wrong, or the service user may not read it.",
            zh: "client_cert_file 写的路径不对，或者服务用户没有读权限。",
        },
        remedy: Text {
            en: "put the certificate of this gateway (PEM) at {path} and let the service user read it",
            zh: "把本网关的证书（PEM）放到 {path}，并允许服务用户读取",
        },
    },
    Words {
        code: CLIENT_CERT_HOLDS_NONE,
        what: Text {
            en: "the client certificate file {path} holds no certificate that can be used",
            zh: "客户端证书文件 {path} 里没有可用的证书",
        },
        cause: Text {
            en: "The file is not PEM, is damaged, or holds the key instead of the certificate.",
            zh: "文件不是 PEM 格式、已损坏，或者放的是私钥而不是证书。",
        },
        remedy: Text {
            en: "{path} must hold -----BEGIN CERTIFICATE-----",
            zh: "{path} 里应有 -----BEGIN CERTIFICATE-----",
        },
    },
    Words {
        code: CLIENT_CERT_V1,
        what: Text {
            en: "the client certificate {path} is of X.509 version 1, which cannot be used for TLS here",
            zh: "客户端证书 {path} 是 X.509 v1 格式，不能用于 TLS",
        },
        cause: Text {
            en: "Openssl x509 -req writes version 1 when no extension file is given.",
            zh: "openssl x509 -req 签发时没有指定扩展文件，就会生成 v1 证书。",
        },
        remedy: Text {
            en: "issue it again as version 3: openssl x509 -req with -extfile, and basicConstraints=CA:FALSE in that file",
            zh: "重新签发为 v3 证书：openssl x509 -req 加 -extfile，并在该文件中写 basicConstraints=CA:FALSE",
        },
    },
    Words {
        code: CLIENT_KEY_UNUSABLE,
        what: Text { en: "{place} holds no private key that can be used", zh: "{place} 里没有可用的私钥" },
        cause: Text {
            en: "The key is not PEM, is encrypted with a passphrase, or is of a kind other than RSA, ECDSA P-256/P-384 and Ed25519.",
            zh: "私钥不是 PEM 格式、带口令加密，或者类型不是 RSA、ECDSA P-256/P-384、Ed25519。",
        },
        remedy: Text {
            en: "put an unencrypted PEM key into {place}, e.g. made with openssl pkey -in old.key",
            zh: "在 {place} 里放未加密的 PEM 私钥，例如用 openssl pkey -in old.key 转换",
        },
    },
    Words {
        code: CLIENT_KEY_DOES_NOT_FIT,
        what: Text {
            en: "the private key in {place} does not belong to the certificate {path}",
            zh: "{place} 里的私钥与证书 {path} 不匹配",
        },
        cause: Text {
            en: "One of the two was renewed without the other, or files of two gateways were mixed up.",
            zh: "只更换了其中一个，或者把两台网关的文件弄混了。",
        },
        remedy: Text {
            en: "put the key that {path} was issued for into {place}",
            zh: "把与 {path} 配对的私钥放进 {place}",
        },
    },
    Words {
        code: TLS_SETUP,
        what: Text {
            en: "TLS for {broker} could not be prepared: {error}", zh: "无法为 {broker} 准备 TLS：{error}"
        },
        cause: Text {
            en: "The certificates are readable, but the TLS library does not accept them, or the host is not a valid name.",
            zh: "证书可以读取，但 TLS 库不接受，或者主机名无效。",
        },
        remedy: Text {
            en: "check the host name and the certificate files in the [[sink]]",
            zh: "检查 [[sink]] 里的主机名和证书文件",
        },
    },
    Words {
        code: CONNECTED,
        what: Text { en: "sink `{sink}` is connected to {broker}", zh: "去向 `{sink}` 已连接到 {broker}" },
        cause: Text {
            en: "The broker has accepted us; data follows.", zh: "服务器已接受连接，随后送出数据。"
        },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: HOST_NOT_FOUND,
        what: Text {
            en: "the host name of the broker {broker} cannot be resolved: {error}",
            zh: "无法解析服务器 {broker} 的主机名：{error}",
        },
        cause: Text {
            en: "A typing error in the name, or this gateway reaches no DNS server.",
            zh: "主机名写错了，或者网关连不上 DNS 服务器。",
        },
        remedy: Text {
            en: "check the name; check DNS with getent hosts NAME; or write the IP address",
            zh: "核对主机名；用 getent hosts 主机名 检查 DNS；或者直接写 IP 地址",
        },
    },
    Words {
        code: CONNECTION_REFUSED,
        what: Text { en: "{broker} refused the connection", zh: "{broker} 拒绝连接" },
        cause: Text {
            en: "The host is there, but no broker listens on this port, or a firewall answers for it.",
            zh: "主机在线，但这个端口上没有 MQTT 服务，或被防火墙拒绝。",
        },
        remedy: Text {
            en: "check the port (1883 plain, 8883 TLS as a rule) and that the broker runs",
            zh: "核对端口（一般明文 1883，TLS 8883），确认 MQTT 服务在运行",
        },
    },
    Words {
        code: NO_ROUTE,
        what: Text { en: "there is no way to {broker}: {error}", zh: "没有通往 {broker} 的网络：{error}" },
        cause: Text {
            en: "The line is down, the gateway has no default route, or a cable is out.",
            zh: "线路断了、网关没有默认路由，或者网线脱落。",
        },
        remedy: Text {
            en: "check link, IP address and default route of this gateway",
            zh: "检查本网关的网口、IP 地址和默认路由",
        },
    },
    Words {
        code: CONNECT_TIMEOUT,
        what: Text {
            en: "{broker} did not answer within {seconds} s", zh: "{broker} 在 {seconds} 秒内没有应答"
        },
        cause: Text {
            en: "A firewall drops the packets, the address is wrong, DNS is slow, or the port belongs to something that stays silent.",
            zh: "防火墙丢弃了报文、地址写错了、DNS 太慢，或者该端口上的程序不作应答。",
        },
        remedy: Text {
            en: "check address and port, and that the firewall lets this gateway out to them",
            zh: "核对地址和端口，确认防火墙允许本网关访问",
        },
    },
    Words {
        code: CLOSED_BEFORE_CONNACK,
        what: Text {
            en: "{broker} closed the connection before it accepted us",
            zh: "{broker} 尚未接受连接请求就断开了",
        },
        cause: Text {
            en: "Plain MQTT met a TLS port, the port is not MQTT, or the broker bans this address or client id.",
            zh: "明文连到了 TLS 端口、该端口不是 MQTT，或者服务器封禁了本机地址或 client_id。",
        },
        remedy: Text {
            en: "check that the port fits mqtt:// or mqtts://, and read the log of the broker for the reason",
            zh: "核对端口与 mqtt://、mqtts:// 是否相符，并查看服务器日志中的原因",
        },
    },
    Words {
        code: NOT_MQTT,
        what: Text {
            en: "{broker} answered with something that is not MQTT: {error}",
            zh: "{broker} 的应答不是 MQTT 报文：{error}",
        },
        cause: Text {
            en: "The port belongs to another service, e.g. HTTP or SSH, or plain MQTT met a TLS port.",
            zh: "该端口是别的服务（如 HTTP、SSH），或者明文连到了 TLS 端口。",
        },
        remedy: Text { en: "check the port in the [[sink]]", zh: "核对 [[sink]] 里的端口" },
    },
    Words {
        code: CONNECT_FAILED,
        what: Text { en: "the connection to {broker} failed: {error}", zh: "连接 {broker} 失败：{error}" },
        cause: Text {
            en: "The system reports a cause that is not one of the usual ones.",
            zh: "系统报告了不常见的原因。",
        },
        remedy: Text {
            en: "check the network of this gateway and the log of the broker",
            zh: "检查本网关的网络和服务器日志",
        },
    },
    Words {
        code: TLS_NOT_SPOKEN,
        what: Text { en: "{broker} does not speak TLS on this port", zh: "{broker} 的这个端口不支持 TLS" },
        cause: Text {
            en: "A plain MQTT port (as a rule 1883) was given to mqtts://, or something between cuts TLS off.",
            zh: "mqtts:// 配了明文端口（一般是 1883），或者中间设备阻断了 TLS。",
        },
        remedy: Text {
            en: "use the TLS port of the broker (as a rule 8883); leave mqtts:// as it is",
            zh: "改用服务器的 TLS 端口（一般是 8883），保留 mqtts://",
        },
    },
    Words {
        code: TLS_UNKNOWN_CA,
        what: Text {
            en: "the certificate of {broker} comes from a CA that is not trusted here",
            zh: "{broker} 的证书不是由本机信任的 CA 签发的",
        },
        cause: Text {
            en: "Ca_file names another CA, the broker does not send its intermediate certificate, or somebody stands in between.",
            zh: "ca_file 写的是另一个 CA、服务器没有发送中间证书，或者有人在中间冒充。",
        },
        remedy: Text {
            en: "put the CA certificate that issued the certificate of the broker into ca_file",
            zh: "把签发服务器证书的 CA 证书写进 ca_file",
        },
    },
    Words {
        code: TLS_EXPIRED,
        what: Text { en: "the certificate of {broker} has expired", zh: "{broker} 的证书已过期" },
        cause: Text {
            en: "The certificate was not renewed in time, or the clock of this gateway is ahead.",
            zh: "证书没有及时更换，或者本网关的时钟快了。",
        },
        remedy: Text {
            en: "compare the clock of this gateway first; then have the certificate of the broker renewed",
            zh: "先核对网关时钟，再请服务器管理员更换证书",
        },
    },
    Words {
        code: TLS_NOT_YET_VALID,
        what: Text { en: "the certificate of {broker} is not valid yet", zh: "{broker} 的证书尚未生效" },
        cause: Text {
            en: "Nearly always the clock of this gateway is behind, e.g. in 1970 after a power cut.",
            zh: "绝大多数情况是本网关的时钟慢了，例如断电后回到 1970 年。",
        },
        remedy: Text {
            en: "set the clock: check NTP with timedatectl, and the battery of the clock",
            zh: "校准时钟：用 timedatectl 检查 NTP，并检查时钟电池",
        },
    },
    Words {
        code: TLS_WRONG_NAME,
        what: Text {
            en: "the certificate of {broker} is for another name: {names}",
            zh: "{broker} 的证书属于别的名字：{names}",
        },
        cause: Text {
            en: "The address in the configuration is not among the names of the certificate; an IP address must stand there as such.",
            zh: "配置里的地址不在证书的名字之列；用 IP 地址连接时，证书里必须写有该 IP。",
        },
        remedy: Text {
            en: "write a name of the certificate in the address of the [[sink]], or have this name added to the certificate",
            zh: "在 [[sink]] 的地址里使用证书上的名字，或请管理员把该名字加进证书",
        },
    },
    Words {
        code: TLS_CLIENT_CERT_REFUSED,
        what: Text {
            en: "{broker} refused the client certificate of this gateway, or misses one: {error}",
            zh: "{broker} 拒绝了本网关的客户端证书，或要求提供证书：{error}",
        },
        cause: Text {
            en: "The broker wants a client certificate and none is configured, it has expired, or the broker does not know its CA.",
            zh: "服务器要求客户端证书而没有配置，证书已过期，或者服务器不认签发它的 CA。",
        },
        remedy: Text {
            en: "check client_cert_file and client_key_file, their dates, and which CA the broker accepts",
            zh: "检查 client_cert_file 与 client_key_file、有效期，以及服务器接受哪个 CA",
        },
    },
    Words {
        code: TLS_NO_COMMON_GROUND,
        what: Text {
            en: "{broker} and this gateway have no TLS version or cipher in common: {error}",
            zh: "{broker} 与本网关没有共同的 TLS 版本或加密套件：{error}",
        },
        cause: Text {
            en: "The broker is old and offers only TLS 1.0 or 1.1, or old ciphers; some say the same when a client certificate is missing.",
            zh: "服务器过旧，只支持 TLS 1.0、1.1 或过时的加密套件；有些服务器在缺少客户端证书时也这样回答。",
        },
        remedy: Text {
            en: "have TLS 1.2 or 1.3 enabled on the broker; if it wants a client certificate, configure one",
            zh: "请管理员在服务器上启用 TLS 1.2 或 1.3；若服务器要求客户端证书，请配置",
        },
    },
    Words {
        code: TLS_CERT_UNUSABLE,
        what: Text {
            en: "the certificate of {broker} cannot be accepted: {error}",
            zh: "{broker} 的证书无法接受：{error}",
        },
        cause: Text {
            en: "Often a self-signed CA certificate is used as the certificate of the broker itself, or it is of X.509 version 1, or it was revoked.",
            zh: "常见原因：把自签名的 CA 证书直接当作服务器证书、证书是 X.509 v1 格式，或者已被吊销。",
        },
        remedy: Text {
            en: "issue the broker a certificate of its own from a CA: version 3, CA:FALSE, with its name",
            zh: "用 CA 为服务器单独签发证书：v3 格式、CA:FALSE、写明服务器名",
        },
    },
    Words {
        code: TLS_FAILED,
        what: Text { en: "TLS with {broker} failed: {error}", zh: "与 {broker} 的 TLS 握手失败：{error}" },
        cause: Text {
            en: "The two sides disagree in an unusual way, or something between them interferes.",
            zh: "双方协商出现异常，或者中间设备干扰。",
        },
        remedy: Text {
            en: "read the log of the broker for the same moment", zh: "查看服务器同一时刻的日志"
        },
    },
    Words {
        code: PROTOCOL_VERSION_REFUSED,
        what: Text { en: "{broker} does not accept MQTT 3.1.1", zh: "{broker} 不接受 MQTT 3.1.1" },
        cause: Text {
            en: "The broker is set to MQTT 5 only, or is very old.",
            zh: "服务器只允许 MQTT 5，或者版本太旧。",
        },
        remedy: Text { en: "allow MQTT 3.1.1 on the broker", zh: "在服务器上允许 MQTT 3.1.1" },
    },
    Words {
        code: CLIENT_ID_REFUSED,
        what: Text {
            en: "{broker} refuses the client id {client_id}", zh: "{broker} 不接受客户端标识 {client_id}"
        },
        cause: Text {
            en: "The broker demands a form of client id, e.g. the device name, or a shorter one.",
            zh: "服务器对 client_id 有格式要求，例如必须是设备名，或者不能过长。",
        },
        remedy: Text {
            en: "set client_id in the [[sink]] as the operator of the broker tells",
            zh: "按平台的要求在 [[sink]] 里设置 client_id",
        },
    },
    Words {
        code: BROKER_UNAVAILABLE,
        what: Text { en: "{broker} says that it is not available now", zh: "{broker} 表示服务暂不可用" },
        cause: Text {
            en: "The broker starts, stops, or is overloaded.", zh: "服务器正在启动、停止，或者过载。"
        },
        remedy: Text {
            en: "nothing here, it is tried again; if it lasts, ask the operator of the broker",
            zh: "无需处理，会自动重试；长时间如此请联系服务器管理员",
        },
    },
    Words {
        code: BAD_USER_OR_PASSWORD,
        what: Text { en: "{broker} refuses user name or password", zh: "{broker} 不接受用户名或密码" },
        cause: Text {
            en: "The password was changed, the secret holds another one, or the user does not exist.",
            zh: "密码已更改、保存的密码不对，或者用户不存在。",
        },
        remedy: Text {
            en: "check user, and the secret that password_file, password_credential or password_env points to",
            zh: "核对 user，以及 password_file、password_credential 或 password_env 所指的密码",
        },
    },
    Words {
        code: NOT_AUTHORIZED,
        what: Text { en: "{broker} does not authorize this gateway", zh: "{broker} 拒绝授权本网关" },
        cause: Text {
            en: "The user may not connect; some brokers (mosquitto) say this for a wrong or missing password too.",
            zh: "该用户没有连接权限；有些服务器（如 mosquitto）在密码错误或缺失时也这样回答。",
        },
        remedy: Text {
            en: "check user and password first, then the rights of this user on the broker",
            zh: "先核对用户名和密码，再检查该用户在服务器上的权限",
        },
    },
    Words {
        code: LOST_CLOSED,
        what: Text { en: "{broker} closed the connection", zh: "{broker} 断开了连接" },
        cause: Text {
            en: "The broker was restarted, shut this client out, or did not like a message (rights on the topic, size).",
            zh: "服务器重启、踢掉了本客户端，或者不接受某条消息（主题权限、大小）。",
        },
        remedy: Text {
            en: "nothing if it comes back; if it repeats, read the log of the broker",
            zh: "若自动恢复则无需处理；反复出现时请查看服务器日志",
        },
    },
    Words {
        code: LOST_KEEP_ALIVE,
        what: Text {
            en: "{broker} stopped answering: no answer to a keep-alive ping",
            zh: "{broker} 不再应答：心跳没有回应",
        },
        cause: Text {
            en: "The line went dead without anyone closing it: a modem, a NAT table, a pulled cable.",
            zh: "线路已断但双方都没有收到断开通知：调制解调器、NAT 表超时或网线被拔。",
        },
        remedy: Text {
            en: "nothing if it comes back; if it repeats, check the line, and shorten keep_alive behind a NAT",
            zh: "若自动恢复则无需处理；反复出现时检查线路，NAT 之后可缩短 keep_alive",
        },
    },
    Words {
        code: ACK_TIMEOUT,
        what: Text {
            en: "{broker} has not acknowledged a message for {seconds} s",
            zh: "{broker} 已有 {seconds} 秒没有确认消息",
        },
        cause: Text {
            en: "The broker is overloaded or stuck, or the line is too slow for the amount of data.",
            zh: "服务器过载或卡住，或者线路太慢、数据太多。",
        },
        remedy: Text {
            en: "look at the broker; on a slow line use a smaller window or a longer ack_timeout",
            zh: "检查服务器；线路慢时减小 window 或加长 ack_timeout",
        },
    },
    Words {
        code: TAKEN_OVER,
        what: Text {
            en: "{broker} closes the connection shortly after each login; probably somebody else uses the client id {client_id}",
            zh: "{broker} 每次连上后不久就断开，很可能有别的程序在用同一个客户端标识 {client_id}",
        },
        cause: Text {
            en: "Two gateways with a copied configuration throw each other out for ever.",
            zh: "两台网关用了同一份复制的配置，互相踢下线。",
        },
        remedy: Text {
            en: "give each gateway its own client_id in the [[sink]]; find the other one in the log of the broker",
            zh: "给每台网关设置各自的 client_id；在服务器日志里找出另一台",
        },
    },
    Words {
        code: LOST_PROTOCOL,
        what: Text {
            en: "{broker} sent what MQTT does not allow: {error}",
            zh: "{broker} 发来不符合 MQTT 规范的内容：{error}",
        },
        cause: Text {
            en: "A fault in the broker, or a device between that alters bytes.",
            zh: "服务器有缺陷，或者中间设备改动了数据。",
        },
        remedy: Text {
            en: "what was not acknowledged is sent again; if it repeats, report it to the operator of the broker",
            zh: "未确认的数据会重新发送；反复出现时请反馈给服务器管理员",
        },
    },
    Words {
        code: LOST_NETWORK,
        what: Text { en: "the connection to {broker} broke: {error}", zh: "与 {broker} 的连接中断：{error}" },
        cause: Text {
            en: "The line or something on the way failed, or the host of the broker went away.",
            zh: "线路或途中设备故障，或者服务器主机下线。",
        },
        remedy: Text {
            en: "nothing if it comes back; if it repeats, check the line",
            zh: "若自动恢复则无需处理；反复出现时检查线路",
        },
    },
    Words {
        code: LOST_STALLED,
        what: Text {
            en: "the connection to {broker} took no data for {seconds} s",
            zh: "到 {broker} 的连接 {seconds} 秒内发不出数据",
        },
        cause: Text {
            en: "The line is down, or far slower than the data.", zh: "线路中断，或者带宽远低于数据量。"
        },
        remedy: Text {
            en: "check the line; send less: longer periods, a deadband, or fewer entries in send",
            zh: "检查线路；减少发送量：加长采集周期、设置死区或精简 send",
        },
    },
    Words {
        code: UPLINK_FAILED,
        what: Text {
            en: "the MQTT client for {broker} ended unexpectedly",
            zh: "连接 {broker} 的 MQTT 客户端意外退出",
        },
        cause: Text { en: "A fault in this program.", zh: "本程序有缺陷。" },
        remedy: Text {
            en: "a new connection is made; please report it together with the log",
            zh: "会自动重新连接；请连同日志一起反馈给我们",
        },
    },
    Words {
        code: MESSAGE_TOO_LARGE,
        what: Text {
            en: "a message of {size} bytes for {topic} is larger than max_message = {limit}",
            zh: "发往 {topic} 的消息有 {size} 字节，超过 max_message = {limit}",
        },
        cause: Text {
            en: "Many tags with short periods make large records.",
            zh: "点位多、周期短时，单条记录会很大。",
        },
        remedy: Text {
            en: "raise max_message if the broker takes more than {limit} bytes, or shorten commit_interval",
            zh: "服务器允许超过 {limit} 字节时调大 max_message，否则缩短 commit_interval",
        },
    },
    Words {
        code: TOPIC_INVALID,
        what: Text {
            en: "the topic {topic} is not allowed: it holds +, # or NUL, is empty, or is longer than 65535 bytes",
            zh: "主题 {topic} 无效：含有 +、# 或空字符，为空，或超过 65535 字节",
        },
        cause: Text {
            en: "The prefix of the sink holds such a character.", zh: "sink 的 prefix 里有这样的字符。"
        },
        remedy: Text { en: "correct prefix in the [[sink]]", zh: "修改 [[sink]] 里的 prefix" },
    },
    Words {
        code: MONTH_USED_UP,
        what: Text {
            en: "sink {sink} has used up its {limit} of {month}: nothing more is sent until the month is over",
            zh: "去向 {sink} 本月（{month}）的流量额度 {limit} 已用完，月底之前不再发送",
        },
        cause: Text {
            en: "The configured tags need more than mb_per_month, or an outage was made up for. Samples wait in the journal; only the connection and the state `online` are kept up.",
            zh: "所配置的点位超出 mb_per_month，或者补传了断网期间的数据。样本留在日志库里等候，仅保持连接和在线状态。",
        },
        remedy: Text {
            en: "raise mb_per_month, or send less: longer periods, a deadband, fewer entries in send; `cloudward check` shows what fits",
            zh: "调大 mb_per_month，或减少发送量：加长采集周期、设置死区、精简 send；`cloudward check` 会估算额度是否够用",
        },
    },
    Words {
        code: NOT_THE_HOUR,
        what: Text {
            en: "sink {sink} may not send at this hour; it goes on at {opens}",
            zh: "去向 {sink} 此时段不发送，{opens} 恢复",
        },
        cause: Text {
            en: "The budget of this sink names hours. Samples wait in the journal.",
            zh: "该去向的 budget 设置了 hours；样本留在日志库里等候。",
        },
        remedy: Text {
            en: "nothing; to send at other times change hours in the budget",
            zh: "无需处理；要在其他时间发送请修改 budget 里的 hours",
        },
    },
    Words {
        code: BUDGET_OPEN,
        what: Text { en: "sink {sink} may send again", zh: "去向 {sink} 恢复发送" },
        cause: Text {
            en: "Its hours have come, or a new month has begun.",
            zh: "到了允许发送的时段，或者新的一个月开始。",
        },
        remedy: Text { en: "nothing", zh: "无需处理" },
    },
    Words {
        code: ONE_AT_A_TIME,
        what: Text {
            en: "{broker} hung up several times with the same records unacknowledged; they are now sent one at a time",
            zh: "{broker} 多次在同一批记录未确认时断开连接；现改为逐条发送",
        },
        cause: Text {
            en: "Perhaps the broker does not like one of them: its size, its topic, its content. Or the line breaks again and again.",
            zh: "可能是其中某一条不被接受（大小、主题或内容），也可能是线路反复中断。",
        },
        remedy: Text {
            en: "nothing yet: the record is found by itself; the log of the broker may name it",
            zh: "暂无需处理，会自动找出是哪一条；服务器日志可能写明原因",
        },
    },
    Words {
        code: QUARANTINED,
        what: Text {
            en: "record {record} for {topic} ({size} bytes, {samples} samples) was put into quarantine: {broker} ended the connection each time it was sent",
            zh: "发往 {topic} 的记录 {record}（{size} 字节，{samples} 个样本）已隔离：每次发送它，{broker} 都断开连接",
        },
        cause: Text {
            en: "The broker takes no message of this size or to this topic, and hangs up instead of saying so. The other records go on.",
            zh: "服务器不接受这么大的消息或这个主题，直接断开而不说明原因。其余记录继续发送。",
        },
        remedy: Text {
            en: "see it with `cloudward journal status`; set max_message to the broker's limit, or give the user the right to publish to the topic",
            zh: "用 `cloudward journal status` 查看；把 max_message 设为服务器的上限，或给该用户开通此主题的发布权限",
        },
    },
    Words {
        code: REFUSES_ALL,
        what: Text {
            en: "{broker} refuses one record after the other: {count} in a row are in quarantine",
            zh: "{broker} 接连拒收记录，已连续隔离 {count} 条",
        },
        cause: Text {
            en: "It is probably not the records: the user lacks the right to publish to these topics, or all messages are larger than the broker takes. From now on at most one in ten minutes is put into quarantine; the others wait in the journal.",
            zh: "多半不是记录本身的问题：该用户没有这些主题的发布权限，或者所有消息都超过服务器上限。此后每十分钟最多隔离一条，其余留在日志库里等候。",
        },
        remedy: Text {
            en: "check the rights of the user on the broker and its limit for one message (max_message)",
            zh: "检查该用户在服务器上的权限，以及服务器的单条消息上限（max_message）",
        },
    },
    Words {
        code: QUARANTINE_FULL,
        what: Text {
            en: "the quarantine is full: its {records} oldest records with {samples} samples were given up",
            zh: "隔离区已满：放弃最旧的 {records} 条记录，共 {samples} 个样本",
        },
        cause: Text { en: "It holds 1,000 records or 10 MB.", zh: "隔离区最多保存 1000 条记录或 10 MB。" },
        remedy: Text {
            en: "find out why the broker refuses records: see CW467 in the log",
            zh: "查明服务器为何拒收：见日志中的 CW467",
        },
    },
    Words {
        code: BIRTH_REFUSED,
        what: Text {
            en: "the birth message for {topic} ({size} bytes) is no longer sent: {broker} ended the connection each time",
            zh: "不再发送 {topic} 的设备说明（{size} 字节）：每次发送它，{broker} 都断开连接",
        },
        cause: Text {
            en: "The broker takes no message of this size or to this topic. The data of the device go on; it is tried again after a restart or a reload.",
            zh: "服务器不接受这么大的消息或这个主题。该设备的数据照常发送；重启或重新加载配置后会再次尝试。",
        },
        remedy: Text {
            en: "raise the broker's limit for one message, or give the user the right to publish to the topic",
            zh: "调大服务器的单条消息上限，或给该用户开通此主题的发布权限",
        },
    },
];
