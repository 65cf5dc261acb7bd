listen() {
    /usr/sbin/perdition --config_file /dev/null --no_daemon --no_lookup --bind_address 127.0.0.1 \
        --outgoing_server 127.0.0.1 --outgoing_port @BACK_END_PORT@ --username mail --group mail \
        --ssl_cert_file "$dir/server.pem" --ssl_key_file "$dir/server.key" "$@"
}
listen --protocol POP3 --listen_port @PLAIN_PORT@ --ssl_mode tls_listen --pid_file "$dir/plain.pid" &
listen --protocol POP3S --listen_port @TLS_PORT@ --ssl_mode ssl_listen --pid_file "$dir/tls.pid" &
wait
