//! The owner's key, which stays on the owner's computer: it signs the cluster's description, and vouches for its nodes.

use ssh_key::certificate::Builder;
use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use super::keys::KeyPair;
use crate::base::Sha256;
use crate::cluster::NodeName;
use crate::error::{Category, Context as _, Result};

/// The purpose of a signature (PROTOCOL.sshsig of OpenSSH), and the signer's name in `allowed_signers` (ssh-keygen(1)).
const PURPOSE: &str = "mkimage";

/// The last line of a signature.
const SIGNATURE_END: &str = "-----END SSH SIGNATURE-----";

/// The login that other nodes ask through, the only one that a certificate is for.
const LOGIN: &str = "mkimage";

/// The last second of the year 9999, since 1970: a Pi's clock may be wrong by decades.
const FOREVER: u64 = 253_402_300_799;

/// Returns the signature of a text, in the form that `ssh-keygen -Y verify` reads.
pub(super) fn sign(owner: &KeyPair, text: &str) -> Result<String> {
    let what = || "signing the cluster's description".to_owned();
    let key = PrivateKey::from_openssh(owner.private.as_bytes()).context(Category::Other, what)?;
    let signature = key
        .sign(PURPOSE, HashAlg::Sha512, text.as_bytes())
        .context(Category::Other, what)?;
    signature.to_pem(LineEnding::LF).context(Category::Other, what)
}

/// Returns whether the owner has signed a text.
pub(super) fn has_signed(owner: &KeyPair, text: &str, signature: &str) -> bool {
    let key = PublicKey::from_openssh(&owner.public);
    // Another one may follow.
    let end = signature
        .find(SIGNATURE_END)
        .map(|at| at.saturating_add(SIGNATURE_END.len()));
    let signature = SshSig::from_pem(signature.get(..end.unwrap_or_default()).unwrap_or_default());
    match (key, signature) {
        (Ok(key), Ok(signature)) => key.verify(PURPOSE, text.as_bytes(), &signature).is_ok(),
        _ => false,
    }
}

/// Returns the `allowed_signers` file by which nodes know the owner's signatures.
pub(super) fn allowed_signers(owner: &KeyPair) -> String {
    format!("{PURPOSE} namespaces=\"{PURPOSE}\" {}\n", owner.public)
}

/// Returns the certificate of a node's enrolment key. With it, nodes that do not know the node yet listen to it. The same key
/// gives the same bytes.
pub(super) fn certificate(owner: &KeyPair, node: &NodeName, enrolment_key: &KeyPair) -> Result<String> {
    let what = || format!("certifying the key of {node}");
    let signer = PrivateKey::from_openssh(owner.private.as_bytes()).context(Category::Other, what)?;
    let key = PublicKey::from_openssh(&enrolment_key.public).context(Category::Other, what)?;
    // The text is made here, so the nonce need not be random. The validity begins and ends outside any clock's time.
    let nonce = Sha256::of(enrolment_key.public.as_bytes()).to_string();
    let mut builder =
        Builder::new(nonce.as_bytes(), key.key_data().clone(), 0, FOREVER).context(Category::Other, what)?;
    builder.key_id(node.as_str()).context(Category::Other, what)?;
    builder.valid_principal(LOGIN).context(Category::Other, what)?;
    builder.comment(node.as_str()).context(Category::Other, what)?;
    let certificate = builder.sign(&signer).context(Category::Other, what)?;
    Ok(format!(
        "{}\n",
        certificate.to_openssh().context(Category::Other, what)?
    ))
}
