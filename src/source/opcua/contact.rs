//! A look at a server before anybody trusts it: which certificate it shows, what it offers. Asked without security, so nothing
//! of it is proven; a person compares the fingerprint.

use std::collections::BTreeSet;

use super::certificate::{Certificate, Oddity};
use super::endpoint;
use super::fault::Fault;
use super::pki::Pki;
use super::session::endpoints;
use crate::config::Link;
use crate::config::opcua::OpcUaServer;
use crate::model::words::opcua as words;
use crate::model::{Timestamp, Trouble, Why};

/// What a server says of itself; texts as it sends them.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Of the endpoint that the link takes.
    pub certificate: Certificate,
    /// What is odd about it.
    pub oddities: BTreeSet<Oddity>,
    /// The server's name.
    pub name: String,
    /// Its ApplicationUri.
    pub application_uri: String,
    /// Every security that it offers: `SignAndEncrypt Basic256Sha256, None`.
    pub offered: String,
    /// The one that the link takes.
    pub taken: String,
    /// How one may log in: `anonymous, password`.
    pub users: String,
    /// Why the user of the link cannot log in, as far as that is seen from here.
    pub no_login: Option<Trouble>,
}

/// Asks the server of a link.
pub async fn look(link: &Link, server: &OpcUaServer, pki: &Pki, now: Timestamp) -> Result<Contact, Fault> {
    let offered = endpoints(&server.url, pki.store(), link).await?;
    let taken = endpoint::pick(&offered, server)?;
    let certificate = Certificate::parse(taken.server_certificate.as_ref());
    let certificate = certificate.ok_or_else(|| Fault::new(Why::Untrusted, Trouble::new(words::NO_CERTIFICATE)))?;
    let application_uri = taken.server.application_uri.as_ref().to_owned();
    Ok(Contact {
        oddities: certificate.oddities(&server.host, &application_uri, now),
        certificate,
        name: taken.server.application_name.text.as_ref().to_owned(),
        application_uri,
        offered: endpoint::list(&offered),
        users: endpoint::users(&taken),
        no_login: endpoint::user_token(&taken, server).err().map(|fault| fault.trouble),
        taken: endpoint::security(&taken),
    })
}
