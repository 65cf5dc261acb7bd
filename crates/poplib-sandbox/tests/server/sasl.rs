//! The SASL mechanisms, with Python doing the client's side.

use std::io::{BufRead, BufReader, Write};
use std::process::Command;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::common::{Client, alice};
use crate::tls;

/// A client's side of the mechanisms, from the RFCs and nothing else.
const SCRIPT: &str = r#"
import base64, hashlib, hmac, json, socket, ssl, sys
plain_port, tls_port, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cadata=ca)
b64 = lambda octets: base64.b64encode(octets).decode()

class Client:
    def __init__(self, tls=False):
        sock = socket.create_connection(("localhost", tls_port if tls else plain_port))
        self.sock = context.wrap_socket(sock, server_hostname="localhost") if tls else sock
        self.file = self.sock.makefile("rb")
        self.expect("+OK")
    def expect(self, start):
        line = self.file.readline().decode().rstrip("\r\n")
        assert line.startswith(start), (start, line)
        return line
    def say(self, line, start):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.expect(start)
    def challenge(self, line):
        return base64.b64decode(self.say(line, "+ ")[2:])
    def done(self):
        self.say("STAT", "+OK 3 ")
        self.say("QUIT", "+OK")

def plain(authzid=b""):
    return b64(authzid + b"\0alice\0secret")

def scram(client, name, digest, header=b"n,,", binding=b"", password=b"secret", final="+OK"):
    bare = b"n=alice,r=clientnonce"
    first = client.challenge(f"AUTH {name} {b64(header + bare)}")
    attributes = dict(part.split(b"=", 1) for part in first.split(b","))
    assert attributes[b"r"].startswith(b"clientnonce") and len(attributes[b"r"]) > 20
    salted = hashlib.pbkdf2_hmac(digest, password, base64.b64decode(attributes[b"s"]), int(attributes[b"i"]))
    mac = lambda key, text: hmac.new(key, text, digest).digest()
    client_key = mac(salted, b"Client Key")
    without_proof = b"c=" + b64(header + binding).encode() + b",r=" + attributes[b"r"]
    signed = b",".join([bare, first, without_proof])
    signature = mac(hashlib.new(digest, client_key).digest(), signed)
    proof = bytes(a ^ b for a, b in zip(client_key, signature))
    message = b64(without_proof + b",p=" + b64(proof).encode())
    if final != "+OK":
        return client.say(message, final)
    verifier = client.challenge(message)
    assert verifier == b"v=" + b64(mac(mac(salted, b"Server Key"), signed)).encode()
    client.say("", "+OK")
    client.done()

client = Client(); client.say("AUTH PLAIN " + plain(), "+OK"); client.done()
client = Client(); assert client.challenge("AUTH PLAIN") == b""; client.say(plain(b"alice"), "+OK"); client.done()
client = Client(); client.say("AUTH PLAIN " + plain(b"bob"), "-ERR [AUTH]")
client.say("AUTH PLAIN " + b64(b"\0alice\0wrong"), "-ERR [AUTH]")
client.say("AUTH PLAIN " + b64(b"alice"), "-ERR PLAIN has")
client.say("AUTH PLAIN not-base64", "-ERR that is not base64")
client.say("AUTH NOSUCH", "-ERR no such")
client.say("AUTH", "+OK")
listed = [line for line in iter(lambda: client.file.readline().decode().strip(), ".")]
assert "CRAM-MD5" in listed and "ANONYMOUS" in listed and "SCRAM-SHA-256-PLUS" not in listed, listed

client = Client()
assert client.challenge("AUTH LOGIN") == b"Username:"
assert client.challenge(b64(b"alice")) == b"Password:"
client.say(b64(b"secret"), "+OK"); client.done()
client = Client(); client.challenge("AUTH LOGIN " + b64(b"alice")); client.say(b64(b"wrong"), "-ERR [AUTH]")

client = Client()
digest = hmac.new(b"secret", client.challenge("AUTH CRAM-MD5"), "md5").hexdigest()
client.say(b64(b"alice " + digest.encode()), "+OK"); client.done()
client = Client(); client.challenge("AUTH CRAM-MD5"); client.say(b64(b"alice " + b"0" * 32), "-ERR [AUTH]")

def digest_md5(password=b"secret", user="alice", uri="pop/localhost", nc="00000001"):
    client = Client()
    challenge = client.challenge("AUTH DIGEST-MD5").decode()
    told = dict(part.split("=", 1) for part in challenge.split(","))
    assert told["algorithm"] == "md5-sess" and told["charset"] == "utf-8", challenge
    realm, nonce = told["realm"].strip('"'), told["nonce"].strip('"')
    md5 = lambda *parts: hashlib.md5(b":".join(parts))
    secret = md5(user.encode("latin-1"), realm.encode(), password).digest()
    a1 = md5(secret, nonce.encode(), b"client").hexdigest().encode()
    def prove(method):
        a2 = md5(method, uri.encode()).hexdigest().encode()
        return md5(a1, nonce.encode(), nc.encode(), b"client", b"auth", a2).hexdigest()
    answer = (
        f'charset=utf-8,username="{user}",realm="{realm}",nonce="{nonce}",cnonce="client",nc={nc},'
        f'qop=auth,digest-uri="{uri}",response={prove(b"AUTHENTICATE")}'
    )
    return client, b64(answer.encode()), prove(b"")

client, answer, proof = digest_md5()
assert client.challenge(answer) == b"rspauth=" + proof.encode()
client.say("", "+OK"); client.done()
for wrong, final in (
    ({"password": b"wrong"}, "-ERR [AUTH]"),
    ({"user": "bob"}, "-ERR [AUTH]"),
    ({"uri": "imap/localhost"}, "-ERR"),
    ({"nc": "00000002"}, "-ERR"),
):
    client, answer, _ = digest_md5(**wrong)
    client.say(answer, final)
client = Client(); client.challenge("AUTH DIGEST-MD5"); client.say(b64(b'username="alice"'), "-ERR")
client, answer, _ = digest_md5()
client.challenge(answer); client.say("AQ==", "-ERR")

for name, digest in ("SCRAM-SHA-1", "sha1"), ("SCRAM-SHA-256", "sha256"), ("SCRAM-SHA-512", "sha512"):
    scram(Client(), name, digest)
    scram(Client(), name, digest, header=b"y,a=alice,")
    scram(Client(), name, digest, password=b"wrong", final="-ERR [AUTH]")
    client = Client(tls=True)
    client.say(f"AUTH {name} " + b64(b"y,,n=alice,r=x"), "-ERR channel binding was offered")
    end_point = hashlib.sha256(client.sock.getpeercert(True)).digest()
    scram(client, name + "-PLUS", digest, b"p=tls-server-end-point,,", end_point)
    scram(Client(tls=True), name + "-PLUS", digest, b"p=tls-server-end-point,,", b"\0" * 32, final="-ERR channel")
    scram(Client(tls=True), name, digest, b"n,,")

for name, message, status in (
    ("XOAUTH2", b"user=alice\1auth=Bearer %s\1\1", "401"),
    ("OAUTHBEARER", b"n,a=alice,\1host=localhost\1port=995\1auth=Bearer %s\1\1", "invalid_token"),
):
    client = Client(); client.say(f"AUTH {name} {b64(message % b'token')}", "+OK"); client.done()
    client = Client()
    failure = json.loads(client.challenge(f"AUTH {name} {b64(message % b'stale')}"))
    assert failure["status"] == status
    client.say("AQ==", "-ERR [AUTH]")
    long = b"t" * 2000
    client.challenge(f"AUTH {name}")
    client.say(b64(message % long), "+OK"); client.done()

client = Client(); client.say("AUTH EXTERNAL =", "+OK"); client.done()
client = Client(); client.say("AUTH EXTERNAL " + b64(b"alice"), "+OK"); client.done()
client = Client(); client.say("AUTH EXTERNAL " + b64(b"bob"), "-ERR [AUTH]")
client = Client(); client.say("AUTH ANONYMOUS " + b64(b"trace@example.org"), "+OK"); client.done()
"#;

#[test]
fn p20_each_mechanism_logs_in_and_refuses() {
    let sandbox = alice()
        .bearer_token("alice", "token")
        .bearer_token("alice", &"t".repeat(2000))
        .external("alice")
        .anonymous("alice")
        .start()
        .unwrap();
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(sandbox.plain_addr().port().to_string())
        .arg(sandbox.tls_addr().port().to_string())
        .arg(sandbox.ca_pem())
        .output()
        .expect("python3 is needed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn p14_an_exchange_can_be_cancelled() {
    let sandbox = alice().start().unwrap();
    let mut client = Client::greeted(sandbox.plain_addr());
    client.command("AUTH CRAM-MD5");
    assert_eq!(client.err("*"), "authentication cancelled");
    client.ok("USER alice");
}

#[test]
fn p16_scram_can_be_wrong() {
    let first = |fault: &str| {
        let sandbox = alice().misbehave(fault).start().unwrap();
        let mut client = Client::greeted(sandbox.plain_addr());
        let first = Base64::encode_string(b"n,,n=alice,r=abc");
        let answer = client.command(&format!("AUTH SCRAM-SHA-256 {first}"));
        let encoded = answer.strip_prefix("+ ").unwrap();
        String::from_utf8(Base64::decode_vec(encoded).unwrap()).unwrap()
    };
    assert!(first("no-capa").starts_with("r=abc"));
    assert!(first("scram-foreign-nonce").starts_with("r=foreign"));
    assert!(first("scram-iterations=2147483648").ends_with(",i=2147483648"));
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

/// PBKDF2 with one block (RFC 5802 §2.2).
fn salted(password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
    let mut block = hmac(password, &[salt, &[0, 0, 0, 1]].concat());
    let mut result = block.clone();
    for _ in 1..iterations {
        block = hmac(password, &block);
        result
            .iter_mut()
            .zip(&block)
            .for_each(|(sum, octet)| *sum ^= octet);
    }
    result
}

/// Says a line, and decodes the challenge that answers it.
fn challenge(stream: &mut BufReader<tls::TlsClient>, line: &str) -> String {
    write!(stream.get_mut(), "{line}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_line(&mut answer).unwrap();
    let encoded = answer.trim_end().strip_prefix("+ ");
    let encoded = encoded.unwrap_or_else(|| panic!("{line} was answered {answer}"));
    String::from_utf8(Base64::decode_vec(encoded).unwrap()).unwrap()
}

/// Python cannot export keying material, so this client is not Python's.
#[test]
fn p17_scram_is_bound_by_tls_exporter() {
    let sandbox = alice().start().unwrap();
    let stream = tls::connect(&sandbox, "localhost").unwrap();
    let binding = stream
        .conn
        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        .unwrap();
    let mut stream = BufReader::new(stream);
    stream.read_line(&mut String::new()).unwrap();

    let (header, bare) = ("p=tls-exporter,,", "n=alice,r=abc");
    let first = Base64::encode_string(format!("{header}{bare}").as_bytes());
    let server_first = challenge(&mut stream, &format!("AUTH SCRAM-SHA-256-PLUS {first}"));
    let mut attributes = server_first.split(',').map(|attribute| &attribute[2..]);
    let nonce = attributes.next().unwrap();
    let salt = Base64::decode_vec(attributes.next().unwrap()).unwrap();
    let salted = salted(
        b"secret",
        &salt,
        attributes.next().unwrap().parse().unwrap(),
    );

    let bound = Base64::encode_string(&[header.as_bytes(), &binding].concat());
    let without_proof = format!("c={bound},r={nonce}");
    let signed = format!("{bare},{server_first},{without_proof}");
    let key = hmac(&salted, b"Client Key");
    let signature = hmac(&Sha256::digest(&key), signed.as_bytes());
    let proof: Vec<u8> = key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
    let last = format!("{without_proof},p={}", Base64::encode_string(&proof));
    let verifier = challenge(&mut stream, &Base64::encode_string(last.as_bytes()));
    let expected = hmac(&hmac(&salted, b"Server Key"), signed.as_bytes());
    assert_eq!(verifier, format!("v={}", Base64::encode_string(&expected)));

    stream.get_mut().write_all(b"\r\n").unwrap();
    let mut answer = String::new();
    stream.read_line(&mut answer).unwrap();
    assert!(answer.starts_with("+OK "), "{answer}");
}
