mkdir -p config/socket config/log config/msg config/db config/proc spool proc lock
while read -r name password; do
    printf '%s' "$password" | saslpasswd2 -p -c -f sasldb2 -u localhost "$name"
done <users
chown -R mail:mail config spool proc lock sasldb2 server.key .
/usr/lib/cyrus/bin/master -D -C "$dir/imapd.conf" -M "$dir/cyrus.conf" -p "$dir/config/master.pid" &
wait
