//! Words for OPC UA servers: CW240 to CW275. Whoever tells them adds `link` and `endpoint`.

use crate::model::trouble::{Code, Text, Words};

/// No connection.
pub const SERVER_UNREACHABLE: Code = Code("CW240");
/// Nobody listens.
pub const NOBODY_LISTENS: Code = Code("CW241");
/// No answer in time.
pub const SERVER_SILENT: Code = Code("CW242");
/// The server hangs up.
pub const SERVER_HUNG_UP: Code = Code("CW243");
/// Something else listens there.
pub const NO_OPC_UA: Code = Code("CW244");
/// An answer cannot be read.
pub const ANSWER_UNREADABLE: Code = Code("CW245");
/// The security that is wanted is not offered.
pub const POLICY_NOT_OFFERED: Code = Code("CW246");
/// The way to log in that is wanted is not offered.
pub const USER_KIND_NOT_OFFERED: Code = Code("CW247");
/// The server sends no certificate.
pub const NO_CERTIFICATE: Code = Code("CW248");
/// Nobody has pinned the server's certificate.
pub const NOT_PINNED: Code = Code("CW249");
/// It is another one than was pinned.
pub const CERTIFICATE_CHANGED: Code = Code("CW250");
/// Something new is odd about it.
pub const CERTIFICATE_ODD: Code = Code("CW251");
/// The server does not trust our certificate.
pub const NOT_TRUSTED_YET: Code = Code("CW252");
/// User or password are refused.
pub const LOGIN_REFUSED: Code = Code("CW253");
/// The server has no session left.
pub const TOO_MANY_SESSIONS: Code = Code("CW254");
/// The server has no room for subscriptions or items.
pub const SERVER_FULL: Code = Code("CW255");
/// Any other refusal.
pub const SERVER_REFUSES: Code = Code("CW256");
/// Our certificate cannot be made.
pub const OWN_NOT_MADE: Code = Code("CW257");
/// Our certificate cannot be read.
pub const OWN_UNREADABLE: Code = Code("CW258");
/// The clock is not set.
pub const CLOCK_TOO_EARLY: Code = Code("CW259");
/// A pinned certificate cannot be read.
pub const PIN_UNREADABLE: Code = Code("CW260");
/// A pinned certificate cannot be kept.
pub const PIN_NOT_KEPT: Code = Code("CW261");
/// The user's certificate cannot be used.
pub const USER_CERTIFICATE_UNUSABLE: Code = Code("CW262");
/// The user's key cannot be used.
pub const USER_KEY_UNUSABLE: Code = Code("CW263");
/// Nodes are refused.
pub const NODES_REFUSED: Code = Code("CW264");
/// Nodes that were refused are there.
pub const NODES_BACK: Code = Code("CW265");
/// A step to get data again.
pub const STEP_TAKEN: Code = Code("CW266");
/// Values were lost in the server's queue.
pub const QUEUE_OVERFLOW: Code = Code("CW267");
/// Messages were lost.
pub const MESSAGES_LOST: Code = Code("CW268");
/// No security.
pub const NO_SECURITY: Code = Code("CW269");
/// The server's certificate ends soon.
pub const CERTIFICATE_ENDS: Code = Code("CW270");
/// The server knows no subscriptions.
pub const NO_SUBSCRIPTIONS: Code = Code("CW271");
/// Fewer nodes are asked for at a time.
pub const FEWER_AT_A_TIME: Code = Code("CW272");
/// A subscription is silent.
pub const SUBSCRIPTION_SILENT: Code = Code("CW273");
/// A subscription was ended by the server.
pub const SUBSCRIPTION_ENDED: Code = Code("CW274");
/// A subscription sends no values.
pub const SUBSCRIPTION_MUTE: Code = Code("CW275");

pub(super) const WORDS: &[Words] = &[
    Words {
        code: SERVER_UNREACHABLE,
        what: Text {
            en: "link `{link}`: {endpoint} cannot be reached ({error})",
            zh: "链路 `{link}`：连不上 {endpoint}（{error}）",
        },
        cause: Text {
            en: "The machine is switched off, the cable is out, the address is wrong, or a firewall drops the connection.",
            zh: "设备没上电、网线没插好、地址写错，或被防火墙拦截。",
        },
        remedy: Text {
            en: "check power, cable and address (`ping` the host from this gateway); the agent keeps trying",
            zh: "请检查电源、网线和地址（可在本网关上 ping 该主机）；程序会自动重试",
        },
    },
    Words {
        code: NOBODY_LISTENS,
        what: Text {
            en: "link `{link}`: the host of {endpoint} answers, but nobody listens on this port",
            zh: "链路 `{link}`：{endpoint} 的主机有应答，但该端口没有服务",
        },
        cause: Text {
            en: "The OPC UA server is not switched on, is starting, or listens on another port than the one in the URL.",
            zh: "OPC UA 服务器没有启用、正在启动，或监听的不是 URL 里的端口。",
        },
        remedy: Text {
            en: "switch the OPC UA server of the machine on and compare the port; the agent keeps trying",
            zh: "请启用设备的 OPC UA 服务器并核对端口；程序会自动重试",
        },
    },
    Words {
        code: SERVER_SILENT,
        what: Text {
            en: "link `{link}`: {endpoint} does not answer within the timeout",
            zh: "链路 `{link}`：{endpoint} 在时限内没有应答",
        },
        cause: Text {
            en: "The server is overloaded or hangs, or the network between loses what is sent.",
            zh: "服务器负载过重或卡死，或中间网络丢包。",
        },
        remedy: Text {
            en: "look at the load of the server, try a longer `timeout`; the agent connects anew by itself",
            zh: "请查看服务器负载，可把 timeout 调大再试；程序会自动重连",
        },
    },
    Words {
        code: SERVER_HUNG_UP,
        what: Text {
            en: "link `{link}`: {endpoint} has closed the connection ({status})",
            zh: "链路 `{link}`：{endpoint} 断开了连接（{status}）",
        },
        cause: Text {
            en: "The server is being restarted, the network was interrupted, or the server has ended the session.",
            zh: "服务器正在重启，网络中断，或服务器结束了会话。",
        },
        remedy: Text {
            en: "nothing to do if it lasts only moments; else look into the server's own log",
            zh: "若只是片刻，无需处理；否则请查看服务器自己的日志",
        },
    },
    Words {
        code: NO_OPC_UA,
        what: Text {
            en: "link `{link}`: what answers at {endpoint} is no OPC UA server ({status})",
            zh: "链路 `{link}`：{endpoint} 上应答的不是 OPC UA 服务器（{status}）",
        },
        cause: Text {
            en: "Another service listens on this port, or the server speaks OPC UA over HTTPS only.",
            zh: "该端口上是别的服务，或服务器只支持基于 HTTPS 的 OPC UA。",
        },
        remedy: Text {
            en: "compare port and path of the URL with the server's settings; the usual port is 4840",
            zh: "请核对 URL 的端口和路径；常用端口是 4840",
        },
    },
    Words {
        code: ANSWER_UNREADABLE,
        what: Text {
            en: "link `{link}`: an answer of {endpoint} cannot be read ({status}: {said})",
            zh: "链路 `{link}`：无法解读 {endpoint} 的应答（{status}：{said}）",
        },
        cause: Text {
            en: "The answer is larger than allowed, or the server encodes something in a way that the standard does not know.",
            zh: "应答超出长度限制，或服务器的编码不符合标准。",
        },
        remedy: Text {
            en: "set a smaller `max_items` on the link; if it stays, leave out the tags of structures and large arrays",
            zh: "请在该链路上设较小的 max_items；若仍有问题，去掉结构体和大数组的点",
        },
    },
    Words {
        code: POLICY_NOT_OFFERED,
        what: Text {
            en: "link `{link}`: {endpoint} does not offer {wanted}; it offers {offered}",
            zh: "链路 `{link}`：{endpoint} 不提供 {wanted}；它提供 {offered}",
        },
        cause: Text {
            en: "Security is switched off in the server, or set otherwise than in the link.",
            zh: "服务器关闭了安全策略，或与本链路的设置不一致。",
        },
        remedy: Text {
            en: "switch one of the wanted policies on in the server, or set `security` and `policy` of the link to what it offers; policies of SHA-1 (Basic128Rsa15, Basic256) are not taken",
            zh: "请在服务器里启用所需策略，或把链路的 security、policy 改成它提供的；不接受 SHA-1 的策略（Basic128Rsa15、Basic256）",
        },
    },
    Words {
        code: USER_KIND_NOT_OFFERED,
        what: Text {
            en: "link `{link}`: {endpoint} does not take the login `{wanted}` in a safe way; it takes: {offered}",
            zh: "链路 `{link}`：{endpoint} 不接受（或无法安全地接受）`{wanted}` 登录；它接受：{offered}",
        },
        cause: Text {
            en: "The server wants a user where the link names none, or knows no users, or would take the password unencrypted.",
            zh: "服务器要求用户而链路没写，或服务器不支持用户，或只接受明文口令。",
        },
        remedy: Text {
            en: "set `user` and its password (or `user_cert_file`) of the link to one of the kinds that it takes",
            zh: "请按它接受的方式设置链路的 user 和口令（或 user_cert_file）",
        },
    },
    Words {
        code: NO_CERTIFICATE,
        what: Text {
            en: "link `{link}`: {endpoint} offers security, but sends no certificate that can be read",
            zh: "链路 `{link}`：{endpoint} 提供了安全策略，却没有可读的证书",
        },
        cause: Text {
            en: "The server has not made its certificate yet, or was set up with a broken one.",
            zh: "服务器还没有生成证书，或配置了损坏的证书。",
        },
        remedy: Text {
            en: "make or load a certificate in the server's security settings",
            zh: "请在服务器的安全设置里生成或导入证书",
        },
    },
    Words {
        code: NOT_PINNED,
        what: Text {
            en: "link `{link}`: nobody has confirmed the certificate of {endpoint} yet (SHA-256 {sha256})",
            zh: "链路 `{link}`：{endpoint} 的证书还没有人确认过（SHA-256 {sha256}）",
        },
        cause: Text {
            en: "A certificate is never trusted by itself: a person compares its fingerprint once with the one that the server shows.",
            zh: "证书从不自动信任：须由人把指纹与服务器上显示的核对一次。",
        },
        remedy: Text {
            en: "run `cloudward trust {link}`, compare the fingerprint, and answer yes",
            zh: "请运行 cloudward trust {link}，核对指纹后回答 yes",
        },
    },
    Words {
        code: CERTIFICATE_CHANGED,
        what: Text {
            en: "link `{link}`: {endpoint} shows another certificate than the one that was confirmed (now SHA-256 {sha256}, kept in {path})",
            zh: "链路 `{link}`：{endpoint} 出示的证书与已确认的不同（现为 SHA-256 {sha256}，存于 {path}）",
        },
        cause: Text {
            en: "The server was set up anew or has renewed its certificate; or somebody stands between and pretends to be it.",
            zh: "服务器重装过或更新了证书；也可能有人在中间冒充它。",
        },
        remedy: Text {
            en: "ask who works on the machine; if the change is known, run `cloudward trust {link}` again; until then nothing is read",
            zh: "请向设备维护人员核实；若确有更换，再运行 cloudward trust {link}；在此之前不会采集",
        },
    },
    Words {
        code: CERTIFICATE_ODD,
        what: Text {
            en: "link `{link}`: something is wrong with the certificate of {endpoint} that was not so when it was confirmed: {odd}",
            zh: "链路 `{link}`：{endpoint} 的证书出现了确认时没有的问题：{odd}",
        },
        cause: Text {
            en: "The certificate has run out, the clock of this gateway is wrong, or the link names the server by another host.",
            zh: "证书已过期，本网关时钟不对，或链路里换了主机名。",
        },
        remedy: Text {
            en: "check the clock; renew the certificate at the server, or run `cloudward trust {link}` to accept it as it is",
            zh: "请检查时钟；在服务器上更新证书，或运行 cloudward trust {link} 按现状接受",
        },
    },
    Words {
        code: NOT_TRUSTED_YET,
        what: Text {
            en: "link `{link}`: {endpoint} has not trusted us yet ({status})",
            zh: "链路 `{link}`：{endpoint} 尚未信任本网关的证书（{status}）",
        },
        cause: Text {
            en: "The server holds our certificate back until its administrator moves it from the rejected to the trusted ones. Some servers only hang up.",
            zh: "服务器要等管理员把本网关的证书从“已拒绝”移到“受信任”；有的服务器只是直接断开。",
        },
        remedy: Text {
            en: "in the server, trust the certificate named `{uri}` (`cloudward cert export` writes it to a file); the agent keeps trying",
            zh: "请在服务器里信任名为 {uri} 的证书（cloudward cert export 可导出）；程序会自动重试",
        },
    },
    Words {
        code: LOGIN_REFUSED,
        what: Text {
            en: "link `{link}`: {endpoint} refuses user or password ({status})",
            zh: "链路 `{link}`：{endpoint} 拒绝了用户名或口令（{status}）",
        },
        cause: Text {
            en: "The password is wrong or has run out, the user is unknown or locked, or the server lets nobody in without a user.",
            zh: "口令错误或过期，用户不存在或被锁定，或服务器不允许匿名登录。",
        },
        remedy: Text {
            en: "compare `user` and its secret with the server's user list; wrong tries may lock the user, so the agent tries seldom",
            zh: "请与服务器的用户列表核对 user 和口令；多次错误可能锁定用户，程序会放慢重试",
        },
    },
    Words {
        code: TOO_MANY_SESSIONS,
        what: Text {
            en: "link `{link}`: {endpoint} has no session left for us ({status})",
            zh: "链路 `{link}`：{endpoint} 没有空余会话（{status}）",
        },
        cause: Text {
            en: "Other clients hold all sessions, or sessions of clients that crashed wait for their timeout.",
            zh: "会话被其他客户端占满，或异常退出的客户端的会话尚未超时。",
        },
        remedy: Text {
            en: "close other clients, raise the server's number of sessions, or wait some minutes; the agent keeps trying",
            zh: "请关闭多余的客户端、调大服务器的会话数，或等几分钟；程序会自动重试",
        },
    },
    Words {
        code: SERVER_FULL,
        what: Text {
            en: "link `{link}`: {endpoint} has no room for more subscriptions or nodes ({status})",
            zh: "链路 `{link}`：{endpoint} 无法再订阅更多节点（{status}）",
        },
        cause: Text {
            en: "Small servers allow few subscriptions and nodes, for all clients together.",
            zh: "小型服务器允许的订阅数和节点数很少，且由所有客户端共用。",
        },
        remedy: Text {
            en: "read fewer tags, use one period for all, or set `subscribe = false` where a value may be read; what has no room is read cyclically",
            zh: "请减少点数、统一采集周期，或对部分点设 subscribe = false；放不下的点会改为周期读取",
        },
    },
    Words {
        code: SERVER_REFUSES,
        what: Text {
            en: "link `{link}`: {endpoint} refuses a request ({status})",
            zh: "链路 `{link}`：{endpoint} 拒绝了请求（{status}）",
        },
        cause: Text {
            en: "The status is the server's own word for it.", zh: "括号里是服务器自己给出的状态码。"
        },
        remedy: Text {
            en: "look the status up in the server's manual or log; the agent keeps trying",
            zh: "请在服务器手册或日志里查该状态码；程序会自动重试",
        },
    },
    Words {
        code: OWN_NOT_MADE,
        what: Text {
            en: "this gateway's OPC UA certificate cannot be made in {path}: {error}",
            zh: "无法在 {path} 生成本网关的 OPC UA 证书：{error}",
        },
        cause: Text {
            en: "The state directory cannot be written, or the disk is full.",
            zh: "状态目录不可写，或磁盘已满。",
        },
        remedy: Text {
            en: "give the agent's user the right to write there, or make room; the agent keeps trying",
            zh: "请赋予写权限或清理磁盘；程序会自动重试",
        },
    },
    Words {
        code: OWN_UNREADABLE,
        what: Text {
            en: "this gateway's OPC UA certificate or key in {path} cannot be used: {error}",
            zh: "无法使用 {path} 中本网关的 OPC UA 证书或私钥：{error}",
        },
        cause: Text {
            en: "The file was damaged or replaced, or belongs to another user.",
            zh: "文件损坏、被替换，或属于别的用户。",
        },
        remedy: Text {
            en: "restore both files from a backup; or move both away, and a new certificate is made, which every server must trust anew",
            zh: "请从备份恢复证书和私钥；或把两者移走重新生成，但各服务器须重新信任",
        },
    },
    Words {
        code: CLOCK_TOO_EARLY,
        what: Text {
            en: "the clock stands before 2025, so no certificate is made yet",
            zh: "时钟早于 2025 年，暂不生成证书",
        },
        cause: Text {
            en: "The gateway has no battery for its clock and has not heard from a time server. A certificate made now would have run out when the clock is right.",
            zh: "网关没有时钟电池，也未与时间服务器同步。此时生成的证书，等时钟校准后就已过期。",
        },
        remedy: Text {
            en: "set the clock (`timedatectl set-time`), or connect a time server; the agent keeps trying",
            zh: "请设置时间（timedatectl set-time）或接通时间服务器；程序会自动重试",
        },
    },
    Words {
        code: PIN_UNREADABLE,
        what: Text {
            en: "link `{link}`: the confirmed certificate in {path} cannot be read: {error}",
            zh: "链路 `{link}`：无法读取 {path} 中已确认的证书：{error}",
        },
        cause: Text { en: "The file was damaged or edited.", zh: "文件损坏或被改动。" },
        remedy: Text { en: "run `cloudward trust {link}` again", zh: "请重新运行 cloudward trust {link}" },
    },
    Words {
        code: PIN_NOT_KEPT,
        what: Text {
            en: "link `{link}`: the confirmed certificate cannot be written to {path}: {error}",
            zh: "链路 `{link}`：无法把已确认的证书写入 {path}：{error}",
        },
        cause: Text {
            en: "The state directory cannot be written by this user, or the disk is full.",
            zh: "当前用户无权写状态目录，或磁盘已满。",
        },
        remedy: Text {
            en: "run the command as the user that the agent runs as", zh: "请用运行本程序的用户执行该命令"
        },
    },
    Words {
        code: USER_CERTIFICATE_UNUSABLE,
        what: Text {
            en: "link `{link}`: the user's certificate {path} cannot be used: {error}",
            zh: "链路 `{link}`：用户证书 {path} 无法使用：{error}",
        },
        cause: Text {
            en: "The path is wrong, the file cannot be read, or it holds something else.",
            zh: "路径写错、文件不可读，或内容不是证书。",
        },
        remedy: Text {
            en: "name a certificate in PEM or DER with `user_cert_file`",
            zh: "请用 user_cert_file 指明 PEM 或 DER 格式的证书",
        },
    },
    Words {
        code: USER_KEY_UNUSABLE,
        what: Text {
            en: "link `{link}`: the user's key from {place} is no RSA key in PEM",
            zh: "链路 `{link}`：{place} 中的用户私钥不是 PEM 格式的 RSA 私钥",
        },
        cause: Text {
            en: "The key is encrypted with a passphrase, is of another kind, or another file was named.",
            zh: "私钥带口令、类型不对，或写错了文件。",
        },
        remedy: Text {
            en: "write the key without passphrase as PKCS#8 PEM: openssl pkcs8 -topk8 -nocrypt",
            zh: "请转成不带口令的 PKCS#8 PEM：openssl pkcs8 -topk8 -nocrypt",
        },
    },
    Words {
        code: NODES_REFUSED,
        what: Text {
            en: "link `{link}`: {count} tags have no value: {nodes}",
            zh: "链路 `{link}`：{count} 个点没有值：{nodes}",
        },
        cause: Text {
            en: "BadNodeIdUnknown: the node does not exist, or its namespace has moved or is gone. BadUserAccessDenied: the user may not read it. Other words are the server's own.",
            zh: "BadNodeIdUnknown：节点不存在，或命名空间变了；BadUserAccessDenied：该用户无权读取；其余为服务器自己的状态码。",
        },
        remedy: Text {
            en: "compare the addresses with `cloudward browse {link}`, and write nsu=URI rather than ns=INDEX; they are asked for again in the background",
            zh: "请用 cloudward browse {link} 核对地址，并用 nsu=URI 代替 ns=序号；程序会在后台继续尝试",
        },
    },
    Words {
        code: NODES_BACK,
        what: Text {
            en: "link `{link}`: {count} tags have values again: {nodes}",
            zh: "链路 `{link}`：{count} 个点恢复有值：{nodes}",
        },
        cause: Text { en: "The server knows the nodes again.", zh: "服务器又有了这些节点。" },
        remedy: Text { en: "nothing to do", zh: "无需处理" },
    },
    Words {
        code: STEP_TAKEN,
        what: Text {
            en: "link `{link}`: values stayed away ({why}); step taken: {step}",
            zh: "链路 `{link}`：数据中断（{why}）；已采取步骤：{step}",
        },
        cause: Text {
            en: "The server lost a message, a subscription, the session or the connection. The steps go from asking again to connecting anew, each only if the one before brought nothing.",
            zh: "服务器丢失了消息、订阅、会话或连接。恢复步骤从补要消息到重新连接，前一步无效才走下一步。",
        },
        remedy: Text {
            en: "nothing to do; if it happens every hour, look into the server's log",
            zh: "无需处理；若每小时都发生，请查看服务器日志",
        },
    },
    Words {
        code: QUEUE_OVERFLOW,
        what: Text {
            en: "link `{link}`: the server has lost values in its queues, {count} since the start (last: {nodes})",
            zh: "链路 `{link}`：服务器队列溢出，启动以来丢失值的次数为 {count}（最近：{nodes}）",
        },
        cause: Text {
            en: "Values change more often than `queue` holds between two publishings.",
            zh: "两次发布之间的变化次数超过了 queue 的容量。",
        },
        remedy: Text {
            en: "raise `queue` or `sampling` of these tags, or lower `every`",
            zh: "请增大这些点的 queue 或 sampling，或缩短 every",
        },
    },
    Words {
        code: MESSAGES_LOST,
        what: Text {
            en: "link `{link}`: {count} messages of the server are lost for good; all its values are read anew",
            zh: "链路 `{link}`：服务器有 {count} 条消息无法补回；已重新读取全部值",
        },
        cause: Text {
            en: "The connection was away for longer than the server keeps messages.",
            zh: "连接中断的时间超过了服务器保留消息的时间。",
        },
        remedy: Text {
            en: "nothing to do; the gap shows in the times of the values",
            zh: "无需处理；缺口可从各值的时间看出",
        },
    },
    Words {
        code: NO_SECURITY,
        what: Text {
            en: "link `{link}`: {endpoint} is read without security: anybody on this network can read along and pretend to be the machine",
            zh: "链路 `{link}`：与 {endpoint} 的通信没有加密和签名：同一网络上的任何人都能旁听或冒充设备",
        },
        cause: Text { en: "The link says security = \"none\".", zh: "链路写了 security = \"none\"。" },
        remedy: Text {
            en: "set security = \"sign_and_encrypt\" as soon as the server offers it",
            zh: "服务器支持后，请改为 security = \"sign_and_encrypt\"",
        },
    },
    Words {
        code: CERTIFICATE_ENDS,
        what: Text {
            en: "link `{link}`: the certificate of {endpoint} runs out in {days} days; then nothing is read any more",
            zh: "链路 `{link}`：{endpoint} 的证书还有 {days} 天到期，到期后将停止采集",
        },
        cause: Text { en: "Certificates have an end.", zh: "证书有有效期。" },
        remedy: Text {
            en: "renew it at the server, then run `cloudward trust {link}` again",
            zh: "请在服务器上更新证书，再运行 cloudward trust {link}",
        },
    },
    Words {
        code: NO_SUBSCRIPTIONS,
        what: Text {
            en: "link `{link}`: {endpoint} knows no subscriptions ({status}); its tags are read cyclically instead",
            zh: "链路 `{link}`：{endpoint} 不支持订阅（{status}），改为周期读取",
        },
        cause: Text {
            en: "Servers of the nano profile cannot subscribe.", zh: "Nano 规范的服务器不支持订阅。"
        },
        remedy: Text {
            en: "nothing to do; subscribe = false on the device saves the try",
            zh: "无需处理；在设备上写 subscribe = false 可省去这次尝试",
        },
    },
    Words {
        code: FEWER_AT_A_TIME,
        what: Text {
            en: "link `{link}`: {endpoint} does not take so many nodes at a time ({status}); {count} from now on",
            zh: "链路 `{link}`：{endpoint} 一次处理不了这么多节点（{status}），今后每次 {count} 个",
        },
        cause: Text {
            en: "The server's limits are lower than it says, or it does not say them.",
            zh: "服务器的实际限制低于其声明，或没有声明。",
        },
        remedy: Text {
            en: "nothing to do; `max_items` on the link saves the tries",
            zh: "无需处理；在链路上写 max_items 可省去试探",
        },
    },
    Words {
        code: SUBSCRIPTION_SILENT,
        what: Text {
            en: "link `{link}`: a subscription of {endpoint} has said nothing for too long, not even that nothing changed",
            zh: "链路 `{link}`：{endpoint} 的一个订阅太久没有任何消息，连保活也没有",
        },
        cause: Text {
            en: "The server has lost the subscription or hangs, or the network is cut.",
            zh: "服务器丢失了订阅或卡死，或网络中断。",
        },
        remedy: Text { en: "nothing to do; it is made anew", zh: "无需处理；程序会重建订阅" },
    },
    Words {
        code: SUBSCRIPTION_ENDED,
        what: Text {
            en: "link `{link}`: {endpoint} has ended a subscription ({status})",
            zh: "链路 `{link}`：{endpoint} 结束了一个订阅（{status}）",
        },
        cause: Text {
            en: "The server thought that we were gone, was set up anew, or somebody deleted the subscription.",
            zh: "服务器以为本网关已离线，或被重新配置，或有人删除了订阅。",
        },
        remedy: Text { en: "nothing to do; it is made anew", zh: "无需处理；程序会重建订阅" },
    },
    Words {
        code: SUBSCRIPTION_MUTE,
        what: Text {
            en: "link `{link}`: a subscription of {endpoint} says that it lives, but has not sent one value of some nodes",
            zh: "链路 `{link}`：{endpoint} 的一个订阅有保活，但部分节点一个值也没有发过",
        },
        cause: Text {
            en: "The server has mixed up its subscriptions, mostly after a session was taken over.",
            zh: "服务器的订阅状态错乱，多发生在会话转移之后。",
        },
        remedy: Text { en: "nothing to do; it is made anew", zh: "无需处理；程序会重建订阅" },
    },
];
