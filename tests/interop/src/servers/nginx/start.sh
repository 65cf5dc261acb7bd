mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir /var/lib/nginx
python3 auth.py @AUTH_PORT@ @BACK_END_PORT@ /usr/sbin/nginx -p "$dir" -c nginx.conf -e stderr &
wait
