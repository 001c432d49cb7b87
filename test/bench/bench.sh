#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The benchmarks, as "make bench" runs them: starts salond and the floor server on 127.0.0.1, puts
# both under load in turn, and prints medians.  Everything it makes is in a temporary directory
# (below TMPDIR: stored messages are as fast as the disk there) and goes when it ends.
#
#   SALOND SALONCTL SALON_PLUGINS   the programs, and the directory of the plugins
#   BENCH_QUICK=1                   one round of less, in less than a minute
#   BENCH_ONLY="fanout acks"        only these of: opening fanout deflate acks lossless presence live
#                                   databases
#   BENCH_DATABASES="sqlite3"       only these of: sqlite3 pgsql mysql

set -u

here=$(cd "$(dirname "$0")" && pwd)
built=${top_builddir:-$here/../..}
SALOND=${SALOND:-$built/src/salond}
SALONCTL=${SALONCTL:-$built/src/salonctl}
SALON_PLUGINS=${SALON_PLUGINS:-$built/plugins/.libs}
load=$built/test/bench/load
floor=$built/test/bench/floor
only=${BENCH_ONLY:-opening fanout deflate acks lossless presence live databases}
databases=${BENCH_DATABASES:-sqlite3 pgsql mysql}

if [ -n "${BENCH_QUICK:-}" ]; then
    rounds=1 seconds=1 warmup=0.3 limit=50
    receivers='100 1000' accepted=2000 idle=10000
    lossless='--connections 500 --senders 10 --rates 200 --seconds 3'
    returning=500 away=3 after=1
    readers=1000 moves=300 staying=500
    histories='1000 10000'
else
    rounds=3 seconds=2 warmup=0.5 limit=320
    receivers='100 1000 5000' accepted=5000 idle=10000
    lossless='--connections 2000 --senders 20 --rates 400 --seconds 8'
    returning=2000 away=6 after=5 # users of one room; seconds
    readers=5000 moves=1000 staying=2000
    histories='1000 100000 1000000' # messages in a room
fi
rates=50,400,800
deflate_receivers=1000
memory_receivers=1000 # where a room in memory is measured beside the stored one
ack_senders='1 32 256'
ack_rooms=64          # so that senders hear few but themselves
presence_allowed=25000 # the setting presence.rate
writers=50            # of a live room, beside its readers
history_first=2251799813685248 # the id of a room's first message; above what salond gives
plugins='"rooms", "veza"' more=''
endpoint='"/ws" { dialect = "veza"  rate = "" }'
frame=380             # bytes of a delivery, until salond has shown how many it has

salond_pid='' floor_pid='' load_pid='' database_pid='' failed=0 started=$(date +%s)
work=$(mktemp -d "${TMPDIR:-/tmp}/salon-bench.XXXXXX") || exit 1
results=$work/results
log=$work/salond.log
: > "$results"

# ---- Servers --------------------------------------------------------------------------------

say() { echo "bench: $*" >&2; }

# stop PID: asks, waits, and insists.
stop() {
    kill -TERM "$1" 2> /dev/null || return 0
    tries=100
    while kill -0 "$1" 2> /dev/null && [ $tries -gt 0 ]; do
        sleep 0.1
        tries=$((tries - 1))
    done
    if [ $tries -eq 0 ]; then
        say "process $1 does not stop; killing it"
        kill -KILL "$1"
    fi
    wait "$1" 2> /dev/null
}

finish() {
    trap '' INT TERM
    [ -z "$load_pid" ] || stop "$load_pid"
    [ -z "$salond_pid" ] || stop "$salond_pid"
    [ -z "$floor_pid" ] || stop "$floor_pid"
    [ -z "$database_pid" ] || stop "$database_pid"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

give_up() {
    say "$*"
    [ ! -s "$log" ] || tail -n 5 "$log" >&2
    exit 1
}

# wait_for TEXT FILE PID: until the file has it; false when the process has gone, or after 15 s.
wait_for() {
    tries=300
    until grep -q "$1" "$2"; do
        kill -0 "$3" 2> /dev/null && [ $tries -gt 0 ] || return 1
        sleep 0.05
        tries=$((tries - 1))
    done
}

# configure PORT
configure() {
    cat > "$work/salond.conf" << EOF
state_dir  = "$work/state"
plugin_dir = "$SALON_PLUGINS"
plugins    = { $plugins }
$more
jwt { key_file = "$work/key" }
listen "127.0.0.1:$1" {
    max_per_ip = 0
    endpoint $endpoint
}
EOF
}

# A salond without any past, on a port of its own.
start_salond() {
    rm -rf "$work/state"
    mkdir "$work/state"
    for try in 1 2 3 4 5; do
        port=$((20000 + ($$ + try * 1009) % 12000))
        configure $port
        : > "$log"
        "$SALOND" -c "$work/salond.conf" > "$log" 2>&1 &
        salond_pid=$!
        wait_for 'salond: ready' "$log" $salond_pid && return
        stop $salond_pid
        salond_pid=''
    done
    give_up "$SALOND does not start"
}

start_floor() {
    : > "$work/floor.log"
    "$floor" 127.0.0.1:0 > "$work/floor.log" &
    floor_pid=$!
    wait_for 'floor: ready' "$work/floor.log" $floor_pid || give_up "$floor does not start"
    floor_port=$(sed -n 's/^floor: ready on //p' "$work/floor.log")
}

# add_rooms COUNT NAME [OPTION]: makes rooms, and sets $rooms to their ids.
add_rooms() {
    rooms=''
    number=0
    while [ $number -lt "$1" ]; do
        number=$((number + 1))
        room=$("$SALONCTL" -c "$work/salond.conf" room add "$2$number" ${3:+"$3"}) ||
            give_up "$SALONCTL cannot make a room"
        rooms=${rooms:+$rooms,}$room
    done
}

# ---- Measuring ------------------------------------------------------------------------------

wanted() { case " $only " in *" $1 "*) true ;; *) false ;; esac; }

# late: is the time up?  Rounds that would begin later are left out.
late() { [ $(($(date +%s) - started)) -ge $limit ]; }

# measure MODE OPTION...: runs the load program; its rows go to the results.  It is waited for, so
# that a signal ends this script at once.
measure() {
    timeout 60 "$load" "$@" --output "$results" > "$work/load.log" &
    load_pid=$!
    if ! wait $load_pid; then
        say "load $* has failed"
        failed=1
    fi
    load_pid=''
}

on_salond() {
    mode=$1
    shift
    measure "$mode" --server "127.0.0.1:$port" --key-file "$work/key" --pid $salond_pid "$@"
}

on_floor() {
    mode=$1
    shift
    measure "$mode" --server "127.0.0.1:$floor_port" --floor --pid $floor_pid "$@"
}

bench_opening() {
    start_salond
    say "idle connections"
    on_salond idle --connections $idle
    for round in $(seq $rounds); do
        late && return
        say "opening connections, round $round of $rounds"
        on_salond accept --label new --connections $accepted --first-user $((round * 100000))
        on_salond accept --label known --connections $accepted
        on_floor accept --connections $accepted
    done
}

# fanout_round RECEIVERS
fanout_round() {
    timing="--rates $rates --seconds $seconds --warmup $warmup"
    on_salond fanout --connections "$1" --rooms "$stored" $timing
    frame=$(sed -n 's/^fanout server=salond .* bytes=\([0-9]*\)$/\1/p' "$results" | tail -n 1)
    on_floor fanout --connections "$1" --frame-bytes "${frame:-380}" $timing
    [ "$1" -ne $memory_receivers ] ||
        on_salond fanout --label memory --connections "$1" --rooms "$memory" $timing
}

bench_fanout() {
    add_rooms 1 fanout
    stored=$rooms
    add_rooms 1 fanout-memory --memory
    memory=$rooms
    for round in $(seq $rounds); do
        for count in $receivers; do
            late && return
            say "fan-out to $count, round $round of $rounds"
            fanout_round "$count"
        done
    done
}

# The same with and without compression, in turn.
bench_deflate() {
    add_rooms 1 deflate
    timing="--rates 50,400 --seconds $seconds --warmup $warmup"
    for round in $(seq $rounds); do
        late && return
        say "compression, round $round of $rounds"
        for label in plain deflate; do
            option=''
            [ $label = plain ] || option=--deflate
            on_salond fanout --label $label --connections $deflate_receivers --rooms "$rooms" \
                $option $timing
        done
    done
}

# acks_round LABEL ROOMS
acks_round() {
    timing="--seconds $seconds --warmup $warmup"
    for count in $ack_senders; do
        on_salond acks --label "$1" --rooms "$2" --senders "$count" $timing
    done
    on_salond acks --label "$1" --rooms "$2" --senders 32 --outstanding 16 $timing
}

bench_acks() {
    add_rooms $ack_rooms acks
    stored=$rooms
    add_rooms $ack_rooms acks-memory --memory
    memory=$rooms
    for round in $(seq $rounds); do
        late && return
        say "acknowledgements, round $round of $rounds"
        acks_round stored "$stored"
        acks_round memory "$memory"
    done
}

bench_lossless() {
    late && return
    say "lossless"
    add_rooms 2 lossless
    on_salond lossless --rooms "$rooms" $lossless
    cp "$work/load.log" "$work/lossless.log"
}

# storm LABEL GRACE AWAY: a salond of its own, with the plugin; who is gone for longer than the grace
# is news.
storm() {
    more="presence { grace = $2 }"
    start_salond
    add_rooms 1 storm
    on_salond presence --label "$1" --rooms "$rooms" --connections $returning --rates 20 --away "$3" \
        --seconds $after --allowed $presence_allowed
    stop "$salond_pid"
    salond_pid=''
}

bench_presence() {
    late && return
    say "presence"
    [ -z "$salond_pid" ] || stop "$salond_pid"
    plugins='"rooms", "presence", "veza"'
    storm reload 5 0
    storm return 0 $away
}

# live_round: who reads has no account, and the room is made by the first one to come.
live_round() {
    timing="--connections $((readers + writers)) --senders $writers --rates 200 --seconds $seconds
            --warmup $warmup"
    on_salond fanout --label live --live --path /live/bench $timing
    frame=$(sed -n 's/^fanout server=live .* bytes=\([0-9]*\)$/\1/p' "$results" | tail -n 1)
    on_floor fanout --label bare --frame-bytes "${frame:-270}" $timing
}

bench_live() {
    late && return
    [ -z "$salond_pid" ] || stop "$salond_pid"
    plugins='"rooms", "presence", "moderation", "live"' more=''
    endpoint='"/live/{room}" { dialect = "live"  rate = "" }'
    start_salond
    for round in $(seq $rounds); do
        late && return
        say "a live room, round $round of $rounds"
        live_round
    done
    say "coming and going"
    on_salond churn --live --path /live/churn --connections $staying --rates 20 --moves $moves \
        --warmup 2 --seconds $((after + 3))
}

# ---- Databases: salond, and its database's own library ----------------------------------------

# start_database ENGINE: an empty database of that kind, durable as it is by default; sets $more for
# salond and $place for the reference.  False: there is none.
start_database() {
    more='' place="-d $work/state/salon.db"
    [ "$1" != sqlite3 ] || return 0
    mkfifo "$work/database.in" 2> /dev/null
    : > "$work/database.out"
    "${PYTHON:-python3}" "$here/database.py" "$1" < "$work/database.in" > "$work/database.out" &
    database_pid=$!
    exec 9> "$work/database.in"
    wait_for '^ready' "$work/database.out" $database_pid || return 1
    read -r _ port_ name user password < "$work/database.out"
    more="database { driver = \"$1\"  host = \"127.0.0.1\"  port = $port_  name = \"$name\"
        user = \"$user\"  password_file = \"$password\" }"
    place="-d $name -p $port_ -u $user -w $password"
}

stop_database() {
    [ -z "$database_pid" ] || stop "$database_pid"
    database_pid=''
}

# on_direct MODE OPTION...: the reference, on the same database.
on_direct() {
    mode=$1
    shift
    # shellcheck disable=SC2086
    timeout 300 "$built/test/bench/direct_$engine" $place -o "$results" "$@" "$mode" \
        > "$work/load.log" &
    load_pid=$!
    if ! wait $load_pid; then
        say "direct_$engine $mode $* has failed"
        failed=1
    fi
    load_pid=''
}

store_round() {
    for count in $ack_senders; do
        on_salond acks --client-id --rooms "$stored" --senders "$count" --seconds $seconds \
            --warmup $warmup
        on_direct sends -n "$count" -s $seconds -b $warmup
    done
}

# fill_histories: a room for each length; $filled has "ROOM:FIRST:LENGTH" of each.
fill_histories() {
    filled='' first=$history_first
    for length in $histories; do
        add_rooms 1 "history$length-"
        on_direct fill -t $((rooms * 8 + 1)) -f $first -m "$length"
        filled="$filled $rooms:$first:$length"
        first=$((first + 10000000))
    done
}

# pages LABEL ASKERS [OPTION]: of the room, which $room, $first and $length are about.
pages() {
    on_salond history --label "$1" --connections 64 --outstanding "$2" --rooms "$room" --first-message "$first" \
        --messages "$length" --seconds 1 --warmup $warmup ${3:+"$3"}
}

history_round() {
    for history in $filled; do
        length=${history##*:} room=${history%%:*}
        first=${history#*:} first=${first%%:*}
        pages old 1
        on_direct pages -t $((room * 8 + 1)) -f "$first" -m "$length" -s 1 -b $warmup
    done
    pages old 8
    pages newest 1 --newest
    pages newest 8 --newest
}

bench_database() {
    [ -z "$salond_pid" ] || stop "$salond_pid"
    salond_pid='' results=$work/results-$engine
    : > "$results"
    start_salond
    add_rooms 256 store
    stored=$rooms
    say "$engine: filling rooms with $histories messages"
    fill_histories
    for round in $(seq $rounds); do
        say "$engine, round $round of $rounds"
        store_round
        history_round
    done
    stop "$salond_pid"
    salond_pid='' results=$work/results
}

bench_databases() {
    plugins='"rooms", "veza"'
    endpoint='"/ws" { dialect = "veza"  rate = "" }'
    for engine in $databases; do
        if [ ! -x "$built/test/bench/direct_$engine" ]; then
            say "$engine is left out: configure has not found its library (see ./bootstrap)"
        elif ! start_database "$engine"; then
            say "$engine is left out: it cannot be started"
        else
            bench_database
        fi
        stop_database
    done
}

# report_database ENGINE
report_database() {
    source=$work/results-$1
    [ -s "$source" ] || return 0
    printf '\n%s: messages stored, a room each, by salond and by its own library alone\n' "$1"
    table acks 'senders server' \
        'acks/s ratio commits/s acks/commit cpu_s/M p50_ms p99_ms max_ms' \
        'sort -s -n -k1,1' acks/s direct
    printf '\n%s: pages of 50 messages\n' "$1"
    table history 'messages askers server' \
        'pages/s ratio queries/page cpu_us p50_ms p99_ms max_ms' 'sort -s -n -k1,1 -k2,2' \
        pages/s direct
}

# ---- The report -----------------------------------------------------------------------------

# table MODE KEYS COLUMNS ORDER [COST [LIKE]]: medians, a row for each combination of the keys; a
# column "ratio" is the row's COST, compared with that of the server LIKE (the floor).
table() {
    awk -v mode="$1" -v keys="$2" -v columns="$3" -v order="$4" -v cost="${5:-}" -v like="${6:-}" \
        -f "$here/medians.awk" "$source"
}

report() {
    source=$results
    echo "salond and the floor on $(nproc) CPUs shared with the load program, content of 128 bytes;"
    echo "medians of $rounds; test/bench/README says what the figures mean"
    if wanted fanout; then
        grep -Ev 'server=(plain|deflate|live|bare) ' "$results" > "$work/fanout"
        printf '\nMessages to everybody in one room\n'
        source=$work/fanout
        table fanout 'receivers rate server' \
            'deliveries/s asked% cpu_s/M ratio p50_ms p99_ms ack_p99 missing dropped bytes' \
            'sort -s -n -k1,1 -k2,2' cpu_s/M
        source=$results
    fi
    if wanted deflate; then
        printf '\nThe same with compression and without\n'
        grep -E 'server=(plain|deflate) ' "$results" > "$work/deflate"
        source=$work/deflate
        table fanout 'receivers rate server' \
            'deliveries/s asked% cpu_s/M ratio p50_ms p99_ms missing dropped bytes packed%' \
            'sort -s -n -k1,1 -k2,2' cpu_s/M plain
        source=$results
    fi
    if wanted acks; then
        printf '\nAcknowledged messages, stored and in memory only\n'
        table acks 'server senders outstanding' \
            'acks/s commits/s acks/commit cpu_s/M p50_ms p99_ms max_ms refused' cat
    fi
    if wanted opening; then
        printf '\nConnections let in: handshake and sign-in, of new users and of known ones\n'
        table accept 'server connections' \
            'per_second cpu_us_each ratio p50_ms p99_ms refused' cat cpu_us_each
        printf '\nIdle connections, signed in\n'
        table idle 'server connections' 'before_KB open_KB closed_KB KB_each kept_each' cat
    fi
    if wanted presence; then
        printf '\nAll %s users of a room come back within two seconds: at once, and after %s\n' \
            $returning $away
        table presence 'server users' \
            'away_s events each peak/s allowed/s messages p50_ms p99_ms max_ms ack_max cpu_s' cat
    fi
    if wanted live; then
        printf '\nA live room, %s of whom talk\n' $writers
        grep -E 'server=(live|bare) ' "$results" > "$work/live"
        source=$work/live
        table fanout 'receivers rate server' \
            'deliveries/s asked% cpu_s/M ratio p50_ms p99_ms missing dropped bytes' \
            'sort -s -n -k1,1 -k2,2' cpu_s/M bare
        source=$results
        printf '\nComing to a live room and going all the time\n'
        table churn 'server stay' \
            'moves/s moves in_time% events/s messages p50_ms p99_ms max_ms missing dropped
             cpu_s before_KB after_KB' cat
    fi
    if wanted databases; then
        for engine in $databases; do
            report_database "$engine"
        done
    fi
    if [ -f "$work/lossless.log" ]; then
        printf '\nTwo rooms, everything counted\n'
        cat "$work/lossless.log"
    fi
}

for program in "$SALOND" "$SALONCTL" "$load" "$floor"; do
    [ -x "$program" ] || give_up "$program is missing; build it first"
done
ulimit -n "$(ulimit -Hn)"
files=$(ulimit -n)
if [ "$files" != unlimited ] && [ "$files" -lt $((idle + 500)) ]; then
    idle=$((files - 500))
    say "only $files open files are allowed (ulimit -n): $idle idle connections"
fi
head -c 48 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$work/key"
chmod 600 "$work/key"

start_floor
if wanted opening; then
    bench_opening
    stop "$salond_pid"
    salond_pid=''
fi
start_salond
for part in lossless acks fanout deflate presence live; do
    ! wanted $part || bench_$part
done
late && say "the time was up; some rounds were left out"
! wanted databases || bench_databases
report
exit $failed
