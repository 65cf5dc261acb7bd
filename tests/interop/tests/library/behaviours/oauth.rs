//! XOAUTH2 and OAUTHBEARER with tokens that an OAuth server has given.

use interop::{Dovecot, OauthServer, Server, User};
use poplib::{Credentials, ProtocolError, sasl::Method};

use super::connect;
use crate::support::{implicit_tls, only};

fn dovecot(oauth: &OauthServer) -> Server {
    Dovecot {
        users: vec![User::new("alice", "unused"), User::new("bob", "unused")],
        oauth: Some(oauth.url()),
        ..Dovecot::default()
    }
    .start()
    .unwrap()
}

behaviour! {
    p20_a_token_logs_in {
        let oauth = OauthServer::start().unwrap();
        let server = dovecot(&oauth);
        let token = oauth.token("alice").unwrap();
        for method in [Method::XOAuth2, Method::OAuthBearer] {
            let client = go!(connect(&only(implicit_tls(&server), method)));
            let credentials = Credentials::bearer("alice", token.as_str(), "localhost");
            let session = go!(client.login(&credentials)).unwrap();
            go!(session.quit()).unwrap();
            let logged = format!("method={}", method.name());
            assert!(server.log().contains(&logged), "{}", server.log());
        }
    }
}

behaviour! {
    p15_somebody_elses_token_is_refused_with_the_reason {
        let oauth = OauthServer::start().unwrap();
        let server = dovecot(&oauth);
        let token = oauth.token("bob").unwrap();
        // Dovecot gives the HTTP status where the older mechanism wants one.
        for (method, status) in [(Method::XOAuth2, "401"), (Method::OAuthBearer, "invalid_token")] {
            let client = go!(connect(&only(implicit_tls(&server), method)));
            let credentials = Credentials::bearer("alice", token.as_str(), "localhost");
            let refused = go!(client.login(&credentials)).unwrap_err();
            let Some(ProtocolError::Refused(refusal)) = refused.error.protocol() else {
                panic!("{}: {refused:?}", method.name());
            };
            let explanation = refusal.explanation.as_ref().expect("the server explains");
            assert_eq!(explanation.status.as_deref(), Some(status));
            let configuration = format!("{}/.well-known/openid-configuration", oauth.url());
            assert_eq!(explanation.openid_configuration, Some(configuration));
        }
    }
}

behaviour! {
    a16_a_token_for_another_host_is_not_sent {
        let oauth = OauthServer::start().unwrap();
        let server = dovecot(&oauth);
        let token = oauth.token("alice").unwrap();
        let client = go!(connect(&implicit_tls(&server)));
        let credentials = Credentials::bearer("alice", token.as_str(), "pop.example.org");
        assert!(go!(client.login(&credentials)).is_err());
        assert!(!server.log().contains("Login:"), "{}", server.log());
        assert!(!server.log().contains("auth failed"), "{}", server.log());
    }
}
