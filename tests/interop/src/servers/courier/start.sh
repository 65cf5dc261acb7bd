echo "courier:x:@UID@:@GID@::/nonexistent:/usr/sbin/nologin" >>/etc/passwd

(
    umask 077
    while read -r name password; do
        digest() { echo "$password" | userdbpw "$@"; }
        printf '%s\tuid=@UID@|gid=@GID@|home=%s|pop3pw=%s|pop3-hmac-md5pw=%s|pop3-hmac-sha256pw=%s\n' \
            "$name" "$dir/mail/$name" "$(digest -md5)" "$(digest -hmac-md5)" "$(digest -hmac-sha256)"
    done <users >/etc/courier/userdb
)
makeuserdb
cat server.key server.pem >courier.pem
chown mail:mail courier.pem

mkdir -p /run/courier/authdaemon
sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb"/' /etc/courier/authdaemonrc
# The packages' files use what they do not set, and export nothing themselves.
set +u -a
. /etc/courier/authdaemonrc
. /etc/courier/pop3d
. /etc/courier/pop3d-ssl
POP3AUTH="PLAIN LOGIN CRAM-MD5 CRAM-SHA256"
POP3AUTH_TLS=$POP3AUTH
TLS_CERTFILE=$dir/courier.pem
TLS_CACHEFILE=
TLS_DHPARAMS=
set +a

tcpd="couriertcpd -address=127.0.0.1 -maxprocs=1000 -maxperip=1000 -nodnslookup -noidentlookup"
pop3d="/usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir"
/usr/lib/courier/courier-authlib/authdaemond &
$tcpd @PLAIN_PORT@ $pop3d &
POP3_TLS=1 POP3_STARTTLS=NO $tcpd @TLS_PORT@ /usr/bin/couriertls -server -tcpd -user=mail $pop3d &
wait
