# Arguments: where the packages were unpacked, the server's directory.
set -eu
packages=$1
dir=$2

# Process 1 of a namespace ignores what it has no handler for.
trap exit TERM

mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$packages/usr:/usr" /usr
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/etc /run/etc.work
mount -t overlay overlay \
    -o "lowerdir=$packages/etc:/etc,upperdir=/run/etc,workdir=/run/etc.work" /etc

mkdir /run/dev
mount -t tmpfs -o mode=755 tmpfs /run/dev
for node in null zero full random urandom tty; do
    touch "/run/dev/$node"
    mount --bind "/dev/$node" "/run/dev/$node"
done
touch /run/dev/log
mount --bind "$dir/log.socket" /run/dev/log
mount --move /run/dev /dev

cd "$dir"
. ./start.sh
