use std::os::unix::net::UnixDatagram;

use super::*;

fn told_to(name: &OsStr, listener: &UnixDatagram) -> Vec<String> {
    let manager = Manager::at(name);
    manager.ready("2 accounts");
    manager.reloading();
    manager.alive();
    manager.stopping();
    let mut datagram = [0; 256];
    (0..4)
        .map(|_| {
            let octets = listener.recv(&mut datagram).unwrap();
            String::from_utf8(datagram[..octets].to_vec()).unwrap()
        })
        .collect()
}

#[track_caller]
fn assert_told(told: &[String]) {
    assert_eq!(told[0], "READY=1\nSTATUS=2 accounts");
    let time = told[1]
        .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
        .unwrap();
    assert!(time.parse::<u64>().unwrap() > 0);
    assert_eq!(told[2], "WATCHDOG=1");
    assert_eq!(told[3], "STOPPING=1\nSTATUS=stopping");
}

#[test]
fn a_socket_with_a_path_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let listener = UnixDatagram::bind(&path).unwrap();
    assert_told(&told_to(path.as_os_str(), &listener));
}

#[cfg(target_os = "linux")]
#[test]
fn an_abstract_socket_is_told() {
    use std::os::linux::net::SocketAddrExt;

    let directory = tempfile::tempdir().unwrap();
    let unique = directory.path().join("popfetch").into_os_string();
    let bound = SocketAddr::from_abstract_name(unique.as_bytes()).unwrap();
    let listener = UnixDatagram::bind_addr(&bound).unwrap();
    let mut name = std::ffi::OsString::from("@");
    name.push(&unique);
    assert_told(&told_to(&name, &listener));
}

#[test]
fn other_kinds_of_address_are_nobody() {
    assert!(address(OsStr::new("vsock:2:1234")).is_err());
    assert!(address(OsStr::new("")).is_err());
}

#[test]
fn the_watchdog_is_fed_only_by_the_process_it_watches() {
    let second = Some(Duration::from_secs(1));
    assert_eq!(watchdog(Some("1000000"), None, 7), second);
    assert_eq!(watchdog(Some("1000000"), Some("7"), 7), second);
    assert_eq!(watchdog(Some("1000000"), Some("8"), 7), None);
    for nonsense in ["0", "", "soon"] {
        assert_eq!(watchdog(Some(nonsense), None, 7), None);
    }
    assert_eq!(watchdog(None, None, 7), None);
}
