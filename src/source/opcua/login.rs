//! Who we say we are: the user of the configuration as the server wants to hear it. A password stays a secret until it is
//! encrypted for the server.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use opcua::crypto::{PrivateKey, SecurityPolicy, X509, create_signature_data, legacy_encrypt_secret};
use opcua::types::{
    AnonymousIdentityToken, ByteString, EndpointDescription, ExtensionObject, SignatureData, StatusCode,
    UserNameIdentityToken, X509IdentityToken,
};
use secrecy::ExposeSecret;

use super::certificate::Certificate;
use super::endpoint::{policy_of, user_token};
use super::fault::{Fault, Stage};
use crate::config::opcua::{OpcUaServer, User};
use crate::model::words::opcua as words;
use crate::model::{Trouble, Why};
use crate::secret;

/// The identity token and its signature (Part 4, 7.40), for a server of this certificate that has sent this nonce.
pub(super) fn identity(
    server: &OpcUaServer,
    endpoint: &EndpointDescription,
    certificate: Option<&X509>,
    nonce: &ByteString,
) -> Result<(ExtensionObject, SignatureData), Fault> {
    let policy = user_token(endpoint, server)?;
    let failed = |error: opcua::types::Error| Fault::of(Stage::Login, &error);
    let secret = |source| secret::resolve(source).map_err(|trouble| Fault::new(Why::IdentityRefused, trouble));
    match &server.user {
        User::Anonymous => {
            let token = AnonymousIdentityToken { policy_id: policy.policy_id };
            Ok((ExtensionObject::from_message(token), SignatureData::null()))
        }
        User::Password { name, password } => {
            let password = secret(password)?;
            let channel = policy_of(endpoint.security_policy_uri.as_ref());
            let certificate = certificate.cloned();
            let is_to_be_encrypted = policy_of(policy.security_policy_uri.as_ref()) != SecurityPolicy::None
                || channel != SecurityPolicy::None;
            if is_to_be_encrypted && certificate.is_none() {
                return Err(Fault::of_status(Stage::Login, StatusCode::BadCertificateInvalid, "no server certificate"));
            }
            let encrypted = legacy_encrypt_secret(
                channel,
                endpoint.security_mode,
                &policy,
                nonce.as_ref(),
                &certificate,
                password.expose_secret().as_bytes(),
            )
            .map_err(failed)?;
            let token = UserNameIdentityToken {
                policy_id: encrypted.policy,
                user_name: name.as_str().into(),
                password: encrypted.secret,
                encryption_algorithm: encrypted.encryption_algorithm,
            };
            Ok((ExtensionObject::from_message(token), SignatureData::null()))
        }
        User::Certificate { file, key } => {
            let user = read_certificate(file)?;
            let key = PrivateKey::from_pem(secret(key)?.expose_secret().as_bytes()).map_err(|_| {
                let trouble = Trouble::new(words::USER_KEY_UNUSABLE).with("place", secret::place(key));
                Fault::new(Why::IdentityRefused, trouble)
            })?;
            let policy_uri = policy_of(policy.security_policy_uri.as_ref());
            // The server's certificate byte for byte, as the server signs and compares it.
            let signature =
                create_signature_data(&key, policy_uri, &endpoint.server_certificate, nonce).map_err(failed)?;
            let token = X509IdentityToken { policy_id: policy.policy_id, certificate_data: user.der.into() };
            Ok((ExtensionObject::from_message(token), signature))
        }
    }
}

/// In PEM or DER.
fn read_certificate(path: &Path) -> Result<Certificate, Fault> {
    // A certificate with its chain is some kB; more is a wrong path, e.g. to a device.
    const LONGEST: u64 = 100_000;
    let unusable = |error: String| {
        let trouble = Trouble::new(words::USER_CERTIFICATE_UNUSABLE).with("path", path.display());
        Fault::new(Why::IdentityRefused, trouble.with("error", error))
    };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| unusable(error.to_string()))?;
    let pem = std::str::from_utf8(&bytes).ok().and_then(Certificate::from_pem);
    pem.or_else(|| Certificate::parse(&bytes)).ok_or_else(|| unusable("neither PEM nor DER of a certificate".into()))
}
