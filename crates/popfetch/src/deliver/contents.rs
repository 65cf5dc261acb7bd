//! What is in a target of an earlier run.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;

use super::marker::{Site, is_missing};
use super::mbox::{self, Extent};
use super::{cannot_read, names};
use crate::failure::Failure;
use crate::fs::{FileSystem, SharedFile};
use crate::state::Target;

/// What there is in a target that is a file or a directory.
pub(super) struct Contents {
    site: Site,
    kind: Kind,
}

enum Kind {
    Maildir {
        /// The names in `new/` and `cur/`.
        delivered: BTreeSet<Vec<u8>>,
        /// Those in `tmp/`.
        begun: BTreeSet<Vec<u8>>,
    },
    Mbox(Option<Box<dyn SharedFile>>),
}

impl Contents {
    /// Reads what there is. A target that is not there has nothing in it.
    pub(super) fn of(
        file_system: &dyn FileSystem,
        target: &Target,
        site: &Site,
    ) -> Result<Self, Failure> {
        let read = || match target.kind == mbox::KIND {
            true => match file_system.open_shared(&site.path, None) {
                Err(error) if is_missing(&error) => Ok(Kind::Mbox(None)),
                file => Ok(Kind::Mbox(Some(file?))),
            },
            false => {
                let names = |directory| match file_system.names(&site.path.join(directory)) {
                    Err(error) if is_missing(&error) => Ok(Vec::new()),
                    names => names,
                };
                let octets = |names: Vec<OsString>| names.into_iter().map(OsStringExt::into_vec);
                Ok(Kind::Maildir {
                    delivered: octets(names("new")?).chain(octets(names("cur")?)).collect(),
                    begun: octets(names("tmp")?).collect(),
                })
            }
        };
        let kind = read().map_err(|error: io::Error| cannot_read(&site.path, &error))?;
        let site = site.clone();
        Ok(Self { site, kind })
    }

    /// Whether the message with this place was delivered and is there.
    pub(super) fn has(&self, place: &[u8]) -> Result<bool, Failure> {
        match &self.kind {
            Kind::Maildir { delivered, .. } => Ok(is_among(delivered, place)),
            Kind::Mbox(file) => match (file, Extent::from_place(place)) {
                (Some(file), Some(extent)) => {
                    (extent.is_in(&**file)).map_err(|error| cannot_read(&self.site.path, &error))
                }
                _ => Ok(false),
            },
        }
    }

    /// Whether the message with this place is there, if only on its way.
    pub(super) fn shows(&self, place: &[u8]) -> Result<bool, Failure> {
        if let Kind::Maildir { begun, .. } = &self.kind
            && let Some(name) = names::temporary_of(place)
            && begun.contains(name.as_bytes())
        {
            return Ok(true);
        }
        self.has(place)
    }
}

/// Whether one of these names is that of the message with this place: mail programs append flags
/// to it, `:2,S`.
pub(super) fn is_among(names: &BTreeSet<Vec<u8>>, place: &[u8]) -> bool {
    let mut behind = names.range(place.to_vec()..);
    behind.next().is_some_and(|name| name.starts_with(place))
}
