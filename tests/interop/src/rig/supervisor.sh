# Arguments: the server's directory, the server's command line.
dir=$1
shift

(
    setsid sh -c 'echo $$ >"$0/pid"; exec "$@" </dev/null >"$0/output" 2>&1' "$dir" "$@"
    echo $? >"$dir/exit"
) &

# Ends when the test drops the server, and when the test process is killed.
cat >/dev/null

until [ -s "$dir/pid" ]; do sleep 0.05; done
group=-$(cat "$dir/pid")
kill -s TERM -- "$group"
tries=0
while kill -s 0 -- "$group" && [ "$tries" -lt 100 ]; do
    tries=$((tries + 1))
    [ "$tries" -gt 40 ] && kill -s KILL -- "$group"
    sleep 0.05
done
wait
rm -rf -- "$dir"
