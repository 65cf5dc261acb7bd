//! Channel binding: the proof that both sides are ends of one TLS connection (RFC 5056).

use alloc::vec::Vec;
use core::fmt;

/// What names this TLS connection and no other.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelBinding {
    /// `tls-exporter` (RFC 9266): 32 octets of keying material, exported under the label
    /// `EXPORTER-Channel-Binding` with an empty context. Of TLS 1.3, or of TLS 1.2 with an
    /// extended master secret; anything older would not be unique.
    TlsExporter(Vec<u8>),
    /// `tls-server-end-point` (RFC 5929 §4.1): the hash of the server's certificate, by the hash
    /// function of its signature, SHA-256 in place of MD5 and SHA-1.
    TlsServerEndPoint(Vec<u8>),
}

/// What the client says about channel binding, `gs2-cbind-flag` (RFC 5802 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BindingFlag {
    /// `n`: the client has none to offer, or none of its own fits the server's ([P17]).
    ///
    /// [P17]: crate::rows#p17
    Unsupported,
    /// `y`: the client would have, but the server offers no -PLUS. A server that did offer one
    /// learns from it that somebody took it out of the list, and refuses.
    NotOffered,
    /// `p`: the login is bound, with the -PLUS form.
    Bound(ChannelBinding),
}

impl ChannelBinding {
    /// The registered name: `tls-exporter`, `tls-server-end-point`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TlsExporter(_) => "tls-exporter",
            Self::TlsServerEndPoint(_) => "tls-server-end-point",
        }
    }

    pub(super) fn data(&self) -> &[u8] {
        match self {
            Self::TlsExporter(data) | Self::TlsServerEndPoint(data) => data,
        }
    }
}

impl BindingFlag {
    pub(super) fn text(&self) -> &'static str {
        match self {
            Self::Unsupported => "n",
            Self::NotOffered => "y",
            Self::Bound(ChannelBinding::TlsExporter(_)) => "p=tls-exporter",
            Self::Bound(ChannelBinding::TlsServerEndPoint(_)) => "p=tls-server-end-point",
        }
    }

    /// What follows the header in the `c=` of the final message.
    pub(super) fn data(&self) -> &[u8] {
        match self {
            Self::Unsupported | Self::NotOffered => &[],
            Self::Bound(binding) => binding.data(),
        }
    }
}

/// Exported keying material is the connection's own affair.
impl fmt::Debug for ChannelBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChannelBinding({})", self.name())
    }
}
