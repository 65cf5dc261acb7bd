. ./spool.sh
popauth --create --file users --output apop.db
/usr/sbin/pop3d --no-site-config --config-file pop3d.conf &
wait
