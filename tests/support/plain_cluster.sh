#!/bin/sh
# Two plain web servers behind nginx, which tries no second one. `start`, `stop`; `blunt` restarts one server after the
# other, `drain` takes each out of nginx first; `fail` ends with an exit code of its own.
# In the environment: FOLDER, PORTS ("nginx one two"), PYTHON, NGINX.
set -e
cd "$FOLDER"
# shellcheck disable=SC2086
set -- "$1" $PORTS

configure() { # the two servers' options
    cat >nginx.conf <<END
daemon off; worker_processes 1; pid nginx.pid; error_log nginx.error.log;
$([ "$(id -u)" -ne 0 ] || echo "user root;")
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    upstream both { server 127.0.0.1:$one max_fails=0 $1; server 127.0.0.1:$two max_fails=0 $2; }
    server {
        listen 127.0.0.1:$front;
        location / {
            proxy_pass http://both;
            proxy_next_upstream off;
            add_header X-Node \$upstream_addr;
            add_header Set-Cookie "NODE=\$upstream_addr-\$http_x_token";
        }
    }
}
END
}
reload() {
    before=$(cat "/proc/$(cat master.pid)/task/$(cat master.pid)/children")
    kill -HUP "$(cat master.pid)"
    for worker in $before; do # they end when their last request is answered
        while kill -0 "$worker" 2>/dev/null; do sleep 0.1; done
    done
}
serve() {
    "$PYTHON" -m http.server --bind 127.0.0.1 --directory www "$1" >/dev/null 2>&1 &
    echo $! >"$1.pid"
    answers "$1"
}
answers() {
    "$PYTHON" -c 'import socket, sys, time
for _ in range(300):
    try: socket.create_connection(("127.0.0.1", int(sys.argv[1]))); break
    except OSError: time.sleep(0.1)
else: sys.exit(1)' "$1"
}
restart() {
    kill "$(cat "$1.pid")"
    sleep 1
    serve "$1"
}

word=$1 front=$2 one=$3 two=$4
case $word in
start)
    mkdir -p www
    echo Welcome >www/index.html
    configure "" ""
    serve "$one"
    serve "$two"
    "$NGINX" -p "$FOLDER" -c "$FOLDER/nginx.conf" >/dev/null 2>&1 &
    echo $! >master.pid
    answers "$front"
    ;;
stop)
    for file in master.pid "$one.pid" "$two.pid"; do
        [ ! -e "$file" ] || kill "$(cat "$file")" || true
    done
    ;;
blunt)
    restart "$one"
    restart "$two"
    ;;
drain)
    configure down ""
    reload
    restart "$one"
    configure "" down
    reload
    restart "$two"
    configure "" ""
    reload
    ;;
fail)
    sleep 3
    exit 3
    ;;
esac
