# Makes everybody in the file `users` a user of the system, and the mboxes in mail/ their maildrops.
mount -t tmpfs -o mode=1777 tmpfs /var/mail
# Above those of the machine's own users, and below those that systemd gives away.
uid=50000
while read -r name password; do
    uid=$((uid + 1))
    echo "$name:x:$uid:@GID@::/nonexistent:/bin/sh" >>/etc/passwd
    mv "mail/$name" /var/mail/
    chown "$uid:@GID@" "/var/mail/$name"
    chmod 600 "/var/mail/$name"
done <users
sed 's/ /:/' users | chpasswd --crypt-method SHA512
