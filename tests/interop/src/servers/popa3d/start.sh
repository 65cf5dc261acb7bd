echo "popa3d:x:@UID@:@GID@::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir /var/lib/popa3d
. ./spool.sh
python3 inetd.py @PLAIN_PORT@ /usr/sbin/popa3d &
wait
