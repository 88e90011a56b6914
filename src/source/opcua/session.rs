//! A session (Part 4, 5.7) and what was asked of the server when it was made: its namespaces and its limits.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opcua::core::sync::RwLock;
use opcua::crypto::{
    CertificateStore, PrivateKey, SecurityPolicy, X509, create_signature_data, random, verify_signature_data,
};
use opcua::types::{
    ActivateSessionRequest, ApplicationDescription, ApplicationType, AttributeId, ByteString, CloseSessionRequest,
    CreateSessionRequest, DataValue, EndpointDescription, GetEndpointsRequest, NodeId, ReadRequest, ReadValueId,
    SignatureData, StatusCode, TimestampsToReturn, VariableId, Variant,
};

use super::certificate::{Certificate, Facts, Oddity};
use super::channel::Channel;
use super::endpoint;
use super::fault::{Fault, Stage, is_too_much};
use super::login;
use super::pki::{Own, Pki};
use crate::config::Link;
use crate::config::opcua::{OpcUaServer, SecurityMode, ServerProfile};
use crate::model::words::{opcua as words, opcua_trust as trust_words};
use crate::model::{Timestamp, Trouble, Why};

/// How long a server keeps a session of which it hears nothing: longer than a switch takes to start again, short enough that
/// sessions of a gateway that lost its power do not pile up.
const SESSION_TIMEOUT: Duration = Duration::from_secs(120);

/// With whom, and as whom.
pub(super) struct Partner {
    pub(super) link: Arc<Link>,
    pub(super) server: OpcUaServer,
    pub(super) own: Own,
    pub(super) pki: Pki,
    /// In which languages texts are wanted, the best one first (Part 4, 7.5); none: the server's own.
    pub(super) locales: Vec<String>,
}

/// A session on an open channel.
pub(super) struct Session {
    pub(super) channel: Arc<Channel>,
    endpoint: EndpointDescription,
    /// What lets us have the session back on another channel.
    pub(super) ticket: Ticket,
    /// URIs by index.
    pub(super) namespaces: Vec<String>,
    pub(super) limits: Limits,
    /// A session that stood before goes on.
    pub(super) is_resumed: bool,
    /// Days until the server's certificate ends; `None` without security.
    pub(super) certificate_days: Option<i64>,
}

/// A session apart from its channel.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) token: NodeId,
    nonce: ByteString,
}

/// How much a server takes at a time (Part 5, 6.3.11); at least one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) read: usize,
    pub(super) monitor: usize,
    pub(super) browse: usize,
}

/// The endpoints of a server, asked without security: nothing is believed of it that keys do not prove later.
pub(super) async fn endpoints(
    url: &str,
    store: Arc<RwLock<CertificateStore>>,
    link: &Link,
) -> Result<Vec<EndpointDescription>, Fault> {
    let plain = EndpointDescription {
        endpoint_url: url.into(),
        security_policy_uri: SecurityPolicy::None.to_uri().into(),
        security_mode: opcua::types::MessageSecurityMode::None,
        ..EndpointDescription::default()
    };
    let channel = Channel::open(&plain, store, link.connect_timeout, link.timeout).await;
    let channel = channel.map_err(|fault| match fault.trouble.code {
        words::NOT_TRUSTED_YET => Fault::of_status(Stage::Endpoints, StatusCode::BadConnectionClosed, ""),
        _ => fault,
    })?;
    let request = GetEndpointsRequest { endpoint_url: url.into(), ..GetEndpointsRequest::default() };
    let answer = channel.ask(Stage::Endpoints, &NodeId::null(), request).await;
    channel.close().await;
    Ok(answer?.endpoints.unwrap_or_default())
}

impl Partner {
    /// Connects: the endpoint of the configuration, its certificate checked against what was pinned, a channel, and the session
    /// of `ticket`, or a new one.
    pub(super) async fn connect(&self, ticket: Option<&Ticket>) -> Result<Session, Fault> {
        let offered = endpoints(&self.server.url, self.own.store.clone(), &self.link).await?;
        let mut endpoint = endpoint::choose(&offered, &self.server)?;
        // The library takes one certificate, not a chain.
        if self.server.mode != SecurityMode::None {
            endpoint.server_certificate = self.trusted(&endpoint)?.der.into();
        } else if let Some(shown) = Certificate::parse(endpoint.server_certificate.as_ref()) {
            endpoint.server_certificate = shown.der.into();
        }
        let Link { connect_timeout, timeout, .. } = *self.link;
        let channel = Channel::open(&endpoint, self.own.store.clone(), connect_timeout, timeout).await;
        let channel = Arc::new(channel.map_err(|fault| self.with_our_name(fault))?);
        if let Some(ticket) = ticket {
            match self.activate(&channel, &endpoint, ticket).await {
                Ok(nonce) => {
                    let ticket = Ticket { nonce, ..ticket.clone() };
                    return Session::new(channel, endpoint, ticket, &self.server, true).await;
                }
                // Trying again at once would count as a second wrong password.
                Err(fault) if fault.why == Why::IdentityRefused => return Err(self.with_our_name(fault)),
                Err(_) => {} // the server has it no more
            }
        }
        let ticket = self.log_in(&channel, &endpoint).await?;
        Session::new(channel, endpoint, ticket, &self.server, false).await
    }

    /// Another session on the same channel. `is_gone`: the server has ended the one before.
    pub(super) async fn renew(&self, session: &mut Session, is_gone: bool) -> Result<(), Fault> {
        if !is_gone {
            close(&session.channel, &session.ticket.token).await;
        }
        session.ticket = self.log_in(&session.channel, &session.endpoint).await?;
        session.is_resumed = false;
        session.learn(&self.server).await
    }

    /// A new session, and who we are.
    async fn log_in(&self, channel: &Channel, endpoint: &EndpointDescription) -> Result<Ticket, Fault> {
        let ticket = self.create(channel, endpoint).await.map_err(|fault| self.with_our_name(fault))?;
        match self.activate(channel, endpoint, &ticket).await {
            Ok(nonce) => Ok(Ticket { nonce, ..ticket }),
            Err(fault) => {
                // A session that nobody may use would stand until its timeout: they pile up.
                close(channel, &ticket.token).await;
                Err(self.with_our_name(fault))
            }
        }
    }

    /// The server's certificate, if it is the one that was pinned and nothing new is odd about it.
    fn trusted(&self, endpoint: &EndpointDescription) -> Result<Certificate, Fault> {
        let refuse = |trouble: Trouble| Fault::new(Why::Untrusted, trouble);
        let Some(found) = Certificate::parse(endpoint.server_certificate.as_ref()) else {
            return Err(refuse(Trouble::new(words::NO_CERTIFICATE)));
        };
        let told = |code| Trouble::new(code).with("sha256", found.sha256());
        let Some(pin) = self.pki.pinned(&self.link.name).map_err(refuse)? else {
            self.put_aside(&found);
            return Err(refuse(told(words::NOT_PINNED)));
        };
        if pin.certificate.der != found.der {
            let kept = self.put_aside(&found);
            return Err(refuse(told(words::CERTIFICATE_CHANGED).with("path", kept)));
        }
        let now = Timestamp::of(SystemTime::now());
        let uri = endpoint.server.application_uri.as_ref();
        let odd = found.oddities(&self.server.host, uri, now);
        let new: Vec<&str> = odd.difference(&pin.accepted).map(|oddity: &Oddity| oddity.as_str()).collect();
        if new.is_empty() { Ok(found) } else { Err(refuse(told(words::CERTIFICATE_ODD).with("odd", new.join(", ")))) }
    }

    fn put_aside(&self, certificate: &Certificate) -> String {
        match self.pki.reject(&self.link.name, certificate) {
            Ok(path) => path.display().to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// With security there is none without keys.
    fn keys(&self) -> Result<&(X509, PrivateKey), Fault> {
        let missing = || Fault::of_status(Stage::Login, StatusCode::BadCertificateInvalid, "no certificate of our own");
        self.own.keys.as_ref().ok_or_else(missing)
    }

    /// Whoever has to trust us needs to know by which name we come.
    fn with_our_name(&self, mut fault: Fault) -> Fault {
        if fault.trouble.code == words::NOT_TRUSTED_YET {
            fault.trouble = fault.trouble.with("uri", &self.own.application_uri);
        }
        fault
    }

    async fn create(&self, channel: &Channel, endpoint: &EndpointDescription) -> Result<Ticket, Fault> {
        const NONCE: usize = 32;
        let nonce = random::byte_string(NONCE);
        let policy = endpoint::policy_of(endpoint.security_policy_uri.as_ref());
        let request = CreateSessionRequest {
            client_description: ApplicationDescription {
                application_uri: self.own.application_uri.as_str().into(),
                product_uri: "urn:cloudward".into(),
                application_name: "cloudward".into(),
                application_type: ApplicationType::Client,
                ..ApplicationDescription::default()
            },
            endpoint_url: endpoint.endpoint_url.clone(),
            session_name: format!("cloudward {}", self.link.name).into(),
            client_nonce: nonce.clone(),
            client_certificate: self.own.keys.as_ref().map(|(own, _)| own.as_byte_string()).unwrap_or_default(),
            requested_session_timeout: SESSION_TIMEOUT.as_secs_f64() * 1_000.0,
            ..CreateSessionRequest::default()
        };
        let answer = channel.ask(Stage::Session, &NodeId::null(), request).await?;
        if policy != SecurityPolicy::None {
            let refused = |said| Fault::new(Why::Untrusted, Trouble::new(trust_words::NOT_PROVEN).with("said", said));
            let sent = Certificate::parse(answer.server_certificate.as_ref());
            if sent.is_none_or(|sent| sent.der != endpoint.server_certificate.as_ref()) {
                return Err(refused("the session's certificate is not the channel's"));
            }
            let server = X509::from_byte_string(&endpoint.server_certificate)
                .map_err(|_| refused("the server's certificate is none"))?;
            let (own, _) = self.keys()?;
            verify_signature_data(&answer.server_signature, policy, &server, own, nonce.as_ref())
                .map_err(|_| refused("the server's signature does not fit"))?;
        }
        Ok(Ticket { token: answer.authentication_token, nonce: answer.server_nonce })
    }

    /// Logs in, on a new session or on one that comes back; returns the server's next nonce.
    async fn activate(
        &self,
        channel: &Channel,
        endpoint: &EndpointDescription,
        ticket: &Ticket,
    ) -> Result<ByteString, Fault> {
        let policy = endpoint::policy_of(endpoint.security_policy_uri.as_ref());
        let certificate = X509::from_byte_string(&endpoint.server_certificate).ok();
        let (token, user_token_signature) =
            login::identity(&self.server, endpoint, certificate.as_ref(), &ticket.nonce)?;
        let client_signature = match policy {
            SecurityPolicy::None => SignatureData::null(),
            policy => create_signature_data(&self.keys()?.1, policy, &endpoint.server_certificate, &ticket.nonce)
                .map_err(|error| Fault::of(Stage::Login, &error))?,
        };
        let request = ActivateSessionRequest {
            client_signature,
            locale_ids: Some(self.locales.iter().map(|locale| locale.as_str().into()).collect()),
            user_identity_token: token,
            user_token_signature,
            ..ActivateSessionRequest::default()
        };
        Ok(channel.ask(Stage::Login, &ticket.token, request).await?.server_nonce)
    }
}

async fn close(channel: &Channel, token: &NodeId) {
    const FAREWELL: Duration = Duration::from_secs(1);
    let request = CloseSessionRequest { delete_subscriptions: true, ..CloseSessionRequest::default() };
    channel.ask_within(Stage::Request, token, request, FAREWELL).await.ok(); // who cannot answer forgets us by its timeout
}

impl Session {
    async fn new(
        channel: Arc<Channel>,
        endpoint: EndpointDescription,
        ticket: Ticket,
        server: &OpcUaServer,
        is_resumed: bool,
    ) -> Result<Session, Fault> {
        let certificate = Certificate::parse(endpoint.server_certificate.as_ref()).and_then(|found| found.facts());
        let days = |facts: Facts| facts.days_left(Timestamp::of(SystemTime::now()));
        let certificate_days = certificate.map(days).filter(|_| server.mode != SecurityMode::None);
        let limits = Limits::of(server, [None; 3]);
        let namespaces = Vec::new();
        let mut session = Session { channel, endpoint, ticket, namespaces, limits, is_resumed, certificate_days };
        match session.learn(server).await {
            Ok(()) => Ok(session),
            Err(fault) => {
                session.close().await;
                Err(fault)
            }
        }
    }

    /// Asks for namespaces and limits.
    async fn learn(&mut self, server: &OpcUaServer) -> Result<(), Fault> {
        let asked = [
            VariableId::Server_NamespaceArray,
            VariableId::Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
            VariableId::Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
            VariableId::Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
        ];
        let nodes = asked.map(|node| value_of(node.into())).to_vec();
        let values = match self.read(nodes.clone()).await {
            // Its limits are not known yet, and a server may take as few as one.
            Err(fault) if is_too_much(fault.status) => {
                let mut values = Vec::with_capacity(nodes.len());
                for node in nodes {
                    values.extend(self.read(vec![node]).await?);
                }
                values
            }
            read => read?,
        };
        let texts = |value: &DataValue| match &value.value {
            Some(Variant::Array(array)) => array.values.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        self.namespaces = values.first().map(texts).unwrap_or_default();
        let number = |at: usize| match values.get(at).and_then(|value| value.value.as_ref()) {
            Some(Variant::UInt32(number)) if *number > 0 => Some(*number as usize),
            _ => None,
        };
        self.limits = Limits::of(server, [number(1), number(2), number(3)]);
        Ok(())
    }

    /// Whether it still answers.
    pub(super) async fn is_alive(&self) -> Result<(), Fault> {
        self.read(vec![value_of(VariableId::Server_ServerStatus_State.into())]).await.map(drop)
    }

    /// Reads values, source and server times with them. Not more than the server takes at a time.
    pub(super) async fn read(&self, nodes: Vec<ReadValueId>) -> Result<Vec<DataValue>, Fault> {
        let asked = nodes.len();
        let request = ReadRequest {
            max_age: 0.0,
            timestamps_to_return: TimestampsToReturn::Both,
            nodes_to_read: Some(nodes),
            ..ReadRequest::default()
        };
        let values = self.ask(request).await?.results.unwrap_or_default();
        if values.len() == asked {
            Ok(values)
        } else {
            Err(Fault::of_status(Stage::Request, StatusCode::BadUnknownResponse, "another number of values"))
        }
    }

    /// Any request on this session.
    pub(super) async fn ask<R: super::channel::Service>(&self, request: R) -> Result<R::Answer, Fault> {
        self.channel.ask(Stage::Request, &self.ticket.token, request).await
    }

    /// Ends the session and its subscriptions.
    pub(super) async fn end(&self) {
        close(&self.channel, &self.ticket.token).await;
    }

    /// The same, then hangs up.
    pub(super) async fn close(self) {
        self.end().await;
        self.channel.close().await;
    }
}

/// The value attribute of a node.
pub(super) fn value_of(node: NodeId) -> ReadValueId {
    ReadValueId { node_id: node, attribute_id: AttributeId::Value as u32, ..ReadValueId::default() }
}

impl Limits {
    /// What the configuration says, else what the server says of itself, else what the common ones take.
    fn of(server: &OpcUaServer, told: [Option<usize>; 3]) -> Limits {
        const USUAL: usize = 1_000;
        let known = server.max_items.or(profile_items(server.profile));
        let limit = |told: Option<usize>| match (known, told) {
            (Some(known), Some(told)) => known.min(told),
            (known, told) => known.or(told).unwrap_or(USUAL),
        };
        let [read, monitor, browse] = told.map(|told| limit(told).clamp(1, 10_000));
        Limits { read, monitor, browse }
    }
}

/// What servers of a known kind take, whatever they say of themselves.
fn profile_items(profile: ServerProfile) -> Option<usize> {
    match profile {
        ServerProfile::S71200 => Some(100), // "Communication with S7-1200": more than 100 nodes per call are refused
        ServerProfile::Codesys => Some(500),
        ServerProfile::S71500 | ServerProfile::KepServerEx => Some(1_000),
        ServerProfile::Generic => None,
    }
}
