//! One secure channel to a server, and the socket below it. Requests go through [`Channel::ask`]; the answers are pumped by a
//! task that ends with the channel.
//!
//! The rule: of the library's client only the channel is used, and a channel lives as long as its socket. Sessions,
//! subscriptions and trust are ours, since the library's own way back after a failure loses data.

use std::sync::Arc;
use std::time::Duration;

use opcua::client::transport::{StreamConnection, StreamConnector, TransportConfiguration, TransportPollResult};
use opcua::client::{AsyncSecureChannel, IdentityToken, SessionRetryPolicy};
use opcua::core::comms::tcp_codec::TcpCodec;
use opcua::core::sync::RwLock;
use opcua::core::{RequestMessage, ResponseMessage};
use opcua::crypto::CertificateStore;
use opcua::types::{
    ActivateSessionRequest, ActivateSessionResponse, BrowseNextRequest, BrowseNextResponse, BrowseRequest,
    BrowseResponse, CloseSessionRequest, CloseSessionResponse, ContextOwned, CreateMonitoredItemsRequest,
    CreateMonitoredItemsResponse, CreateSessionRequest, CreateSessionResponse, CreateSubscriptionRequest,
    CreateSubscriptionResponse, DateTime, DecodingOptions, DeleteMonitoredItemsRequest, DeleteMonitoredItemsResponse,
    DeleteSubscriptionsRequest, DeleteSubscriptionsResponse, EndpointDescription, Error, GetEndpointsRequest,
    GetEndpointsResponse, NamespaceMap, NodeId, PublishRequest, PublishResponse, ReadRequest, ReadResponse,
    RepublishRequest, RepublishResponse, RequestHeader, StatusCode, TransferSubscriptionsRequest,
    TransferSubscriptionsResponse,
};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::codec::FramedRead;

use super::fault::{Fault, Stage};
use super::structure;

/// Bytes of one answer at most: a first notification of 100,000 values fits.
const MAX_MESSAGE: usize = 16 << 20;

/// Elements of an array at most: notifications of a large subscription come as one array.
const MAX_ARRAY: usize = 200_000;

/// Bytes of a text or byte string at most: certificates and descriptions are far below.
const MAX_STRING: usize = 1 << 20;

/// Bytes of a chunk (Part 6, 7.1.2): the usual size.
const CHUNK: usize = 65_535;

/// Chunks of one answer at most: the standard allows none below 8,192 bytes (Part 6, 7.1.2.3).
const MOST_CHUNKS: usize = MAX_MESSAGE / 8_192;

/// Keys are renewed after so long, or the server's shorter time (Part 4, 5.6.2).
const LIFETIME_MS: u32 = 3_600_000;

/// An open channel. Dropping it hangs up.
pub(super) struct Channel {
    inner: Arc<AsyncSecureChannel>,
    closed: watch::Receiver<Option<StatusCode>>,
    pump: JoinHandle<()>,
    timeout: Duration,
}

impl Channel {
    /// Dials the endpoint and opens a channel with its security; `store` holds our certificate and key.
    pub(super) async fn open(
        endpoint: &EndpointDescription,
        store: Arc<RwLock<CertificateStore>>,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Result<Channel, Fault> {
        let options = DecodingOptions {
            max_message_size: MAX_MESSAGE,
            max_chunk_count: MOST_CHUNKS,
            max_array_length: MAX_ARRAY,
            max_string_length: MAX_STRING,
            max_byte_string_length: MAX_STRING,
            ..DecodingOptions::default()
        };
        let context = ContextOwned::new(NamespaceMap::new(), structure::known(), options);
        let transport = TransportConfiguration {
            send_buffer_size: CHUNK,
            recv_buffer_size: CHUNK,
            max_message_size: MAX_MESSAGE,
            max_chunk_count: MOST_CHUNKS,
        };
        let inner = Arc::new(AsyncSecureChannel::new(
            store,
            (endpoint.clone(), IdentityToken::Anonymous).into(),
            SessionRetryPolicy::never(),
            true, // clocks of gateways and PLCs differ; who we talk to is proven by keys
            Arc::default(),
            transport,
            LIFETIME_MS,
            Arc::new(RwLock::new(context)),
        ));
        let connector = StreamConnector::new(dial, endpoint.endpoint_url.to_string());
        let opening = inner.connect_no_retry(&connector);
        let mut events = match tokio::time::timeout(connect_timeout, opening).await {
            Ok(Ok(events)) => events,
            Ok(Err(error)) => return Err(Fault::of(Stage::Channel, &error)),
            Err(_) => return Err(Fault::of_dial(&std::io::ErrorKind::TimedOut.into())),
        };
        let (tell, closed) = watch::channel(None);
        let pump = tokio::spawn(async move {
            loop {
                if let TransportPollResult::Closed(status) = events.poll().await {
                    tell.send_replace(Some(status));
                    return;
                }
            }
        });
        Ok(Channel { inner, closed, pump, timeout })
    }

    /// Sends a request and waits for its answer. A bad service result is a fault.
    pub(super) async fn ask<R: Service>(&self, stage: Stage, token: &NodeId, request: R) -> Result<R::Answer, Fault> {
        self.ask_within(stage, token, request, self.timeout).await
    }

    /// The same with a deadline of its own.
    pub(super) async fn ask_within<R: Service>(
        &self,
        stage: Stage,
        token: &NodeId,
        mut request: R,
        timeout: Duration,
    ) -> Result<R::Answer, Fault> {
        *request.header() = RequestHeader {
            authentication_token: token.clone(),
            timestamp: DateTime::now(),
            request_handle: self.inner.request_handle(),
            timeout_hint: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
            ..RequestHeader::default()
        };
        // The library's own deadline does not hold while it renews its keys, or while the peer takes nothing.
        let sent = tokio::time::timeout(timeout, self.inner.send(request, timeout)).await;
        let sent = sent.unwrap_or_else(|_| Err(Error::new(StatusCode::BadTimeout, "no answer in time")));
        let answer = sent.map_err(|error| Fault::of(stage, &error))?;
        let result = answer.response_header().service_result;
        if result.is_bad() {
            return Err(Fault::of_status(stage, result, ""));
        }
        let name = answer.type_name();
        R::answer(answer).ok_or_else(|| Fault::of_status(stage, StatusCode::BadUnknownResponse, name))
    }

    /// Waits until the channel is gone. Cancel-safe.
    pub(super) async fn closed(&self) -> StatusCode {
        let mut closed = self.closed.clone();
        match closed.wait_for(Option::is_some).await {
            Ok(status) => status.unwrap_or(StatusCode::BadConnectionClosed),
            Err(_) => StatusCode::BadConnectionClosed, // the pump is gone, and the socket with it
        }
    }

    /// Hangs up in the way of the protocol.
    pub(super) async fn close(&self) {
        const FAREWELL: Duration = Duration::from_millis(500);
        let farewell = async {
            self.inner.close_channel().await; // waits where the requests before it are stuck
            self.closed().await
        };
        tokio::time::timeout(FAREWELL, farewell).await.ok(); // who does not take the farewell is left
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Connects the socket. What the system says is kept in the error, so that people are told the cause.
async fn dial(
    url: String,
    options: DecodingOptions,
) -> Result<StreamConnection<ReadHalf<TcpStream>, WriteHalf<TcpStream>>, Error> {
    const PORT: u16 = 4840;
    let failed = |error: std::io::Error| Error::new(StatusCode::BadNotConnected, error);
    let (host, port) = opcua::core::comms::url::hostname_port_from_url(&url, PORT)
        .map_err(|status| Error::new(status, "no address in the URL"))?;
    let socket = TcpStream::connect((host.as_str(), port)).await.map_err(failed)?;
    socket.set_nodelay(true).map_err(failed)?; // requests are small, and each waits for its answer
    let (reader, writer) = tokio::io::split(socket);
    Ok(StreamConnection::new(FramedRead::new(reader, TcpCodec::new(options)), writer, url))
}

/// A request with its answer.
pub(super) trait Service: Into<RequestMessage> + Send {
    /// What comes back.
    type Answer: Send;
    /// Filled in by the channel.
    fn header(&mut self) -> &mut RequestHeader;
    /// `None`: something else came back.
    fn answer(message: ResponseMessage) -> Option<Self::Answer>;
}

macro_rules! services {
    ($($name:ident: $request:ident => $answer:ident;)*) => {
        $(impl Service for $request {
            type Answer = $answer;
            fn header(&mut self) -> &mut RequestHeader {
                &mut self.request_header
            }
            fn answer(message: ResponseMessage) -> Option<$answer> {
                match message {
                    ResponseMessage::$name(answer) => Some(*answer),
                    _ => None,
                }
            }
        })*
    };
}

services! {
    GetEndpoints: GetEndpointsRequest => GetEndpointsResponse;
    CreateSession: CreateSessionRequest => CreateSessionResponse;
    ActivateSession: ActivateSessionRequest => ActivateSessionResponse;
    CloseSession: CloseSessionRequest => CloseSessionResponse;
    Read: ReadRequest => ReadResponse;
    Browse: BrowseRequest => BrowseResponse;
    BrowseNext: BrowseNextRequest => BrowseNextResponse;
    CreateSubscription: CreateSubscriptionRequest => CreateSubscriptionResponse;
    DeleteSubscriptions: DeleteSubscriptionsRequest => DeleteSubscriptionsResponse;
    CreateMonitoredItems: CreateMonitoredItemsRequest => CreateMonitoredItemsResponse;
    DeleteMonitoredItems: DeleteMonitoredItemsRequest => DeleteMonitoredItemsResponse;
    Publish: PublishRequest => PublishResponse;
    Republish: RepublishRequest => RepublishResponse;
    TransferSubscriptions: TransferSubscriptionsRequest => TransferSubscriptionsResponse;
}
