//! Passwords from the system's keyring: the Keychain, or what offers the Secret Service.

use poplib::Secret;

use super::{Whose, configuration};
use crate::failure::Failure;

/// Whether this program can ask a keyring.
///
/// # Errors
/// When it was built without.
pub(super) fn available() -> Result<(), Failure> {
    built(cfg!(feature = "keyring"))
}

fn built(with_feature: bool) -> Result<(), Failure> {
    if with_feature {
        return Ok(());
    }
    let message = "this popfetch knows no keyring: it was built without the feature `keyring`";
    let hint = "build it with `cargo install popfetch --features keyring`, or take the password \
                from a command, such as `secret-tool lookup`";
    Err(configuration(message.into()).hint(hint))
}

#[cfg(not(feature = "keyring"))]
pub(super) fn password(_: Whose<'_>) -> Result<Secret, Failure> {
    available().map(|()| Secret::default())
}

#[cfg(feature = "keyring")]
pub(super) use with_feature::password;

#[cfg(feature = "keyring")]
mod with_feature {
    use std::sync::mpsc::channel;
    use std::thread;

    use keyring::{Entry, Error};

    use super::super::LIMIT;
    use super::*;
    use crate::failure::Status;

    /// What passwords are filed under.
    const SERVICE: &str = "popfetch";

    /// What is filed for the user at the host.
    ///
    /// # Errors
    /// [`Status::Configuration`] when nothing is, [`Status::Temporary`] when nobody unlocks the
    /// keyring, or there is none.
    pub(in crate::secret) fn password(whose: Whose<'_>) -> Result<Secret, Failure> {
        let name = name(whose);
        let (tell, told) = channel();
        // Who is asked to unlock it may be away.
        thread::spawn(move || {
            let secret = entry(&name).and_then(|entry| secret(&entry, &name));
            // Nobody may be waiting any more.
            let _ = tell.send(secret);
        });
        told.recv_timeout(LIMIT).unwrap_or_else(|_| {
            let message = format!("the keyring took longer than {} s", LIMIT.as_secs());
            Err(Failure::new(Status::Temporary, message).hint("unlock it"))
        })
    }

    fn name(whose: Whose<'_>) -> String {
        format!("{}@{}", whose.user, whose.host)
    }

    fn entry(name: &str) -> Result<Entry, Failure> {
        let opened = match Entry::store_status() {
            Ok(()) => Entry::new(SERVICE, name).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        opened.map_err(|error| {
            let message = format!("could not open the keyring: {error}");
            Failure::new(Status::Temporary, message)
                .hint("it needs a session of yours in which it runs")
        })
    }

    fn secret(entry: &Entry, name: &str) -> Result<Secret, Failure> {
        match entry.get_secret() {
            Ok(secret) => Ok(Secret::from(secret)),
            Err(Error::NoEntry) => {
                let message = format!("the keyring has no password of {name}");
                let service = format!("service {SERVICE} username {name}");
                Err(configuration(message)
                    .hint(format!("secret-tool store --label popfetch {service}")))
            }
            Err(error) => {
                // What is attached to some errors may be the password.
                let message = format!("could not read the keyring: {error}");
                Err(Failure::new(Status::Temporary, message).hint("unlock it"))
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use keyring_core::mock;

        use super::*;

        const WHOSE: Whose<'_> = Whose {
            account: "work",
            user: "me",
            host: "pop.example.org",
        };

        #[test]
        fn the_password_is_filed_under_user_and_host() {
            let store = mock::Store::new().unwrap();
            let entry = |user: &str| Entry {
                inner: keyring_core::Entry::new_in_store(&(store.clone() as _), SERVICE, user)
                    .unwrap(),
            };
            let name = name(WHOSE);
            let failure = secret(&entry(&name), &name).unwrap_err();
            assert_eq!(failure.status, Status::Configuration);
            assert!(
                failure
                    .hint
                    .unwrap()
                    .ends_with("service popfetch username me@pop.example.org")
            );

            entry("me@pop.example.org")
                .set_password("open \u{e9}")
                .unwrap();
            let found = secret(&entry(&name), &name).unwrap();
            assert_eq!(found.expose(), "open \u{e9}".as_bytes());
        }

        #[test]
        fn a13_a_keyring_that_fails_shows_nothing_of_what_it_holds() {
            let store = mock::Store::new().unwrap();
            let inner = keyring_core::Entry::new_in_store(&(store as _), SERVICE, "me").unwrap();
            let locked = |error| {
                let credential: &mock::Cred = inner.as_any().downcast_ref().unwrap();
                credential.set_error(error);
            };
            locked(Error::BadDataFormat(b"hunter2".to_vec(), "odd".into()));
            let entry = Entry { inner };
            let failure = secret(&entry, "me").unwrap_err();
            assert_eq!(failure.status, Status::Temporary);
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_feature_its_name_is_told() {
        built(true).unwrap();
        let failure = built(false).unwrap_err();
        assert!(
            failure.message.contains("the feature `keyring`"),
            "{failure}"
        );
        assert!(failure.hint.unwrap().contains("--features keyring"));
    }
}
