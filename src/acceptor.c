/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lws's own listener has no SO_REUSEPORT, and spins when descriptors run out; so the sockets are
 * accepted here.  When they run out, a spare descriptor is given up to accept and close one
 * connection, and accepting pauses for a moment.  What network threads report as ended comes in a
 * queue, and is counted down before the next limit is looked at.
 */
#define LOG_AREA "acceptor"
#include "acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_hash.h>
#include <apr_poll.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "address.h"
#include "log.h"
#include "metrics.h"

#define BACKLOG     4096
#define PER_TURN    64                       /* connections accepted before looking elsewhere */
#define PAUSE       apr_time_from_msec(100)  /* when descriptors have run out */

/* How many connections a group of addresses has on one listener. */
typedef struct {
    struct key_t {
        apr_uint64_t group;
        apr_int64_t listener;
    } key;
    apr_int64_t count;
} tally_t;

typedef struct {
    queue_node_t node;
    apr_uint64_t group;
    int listener;
} release_t;

static struct {
    apr_pool_t *pool;
    _Atomic(const config_t *) config;
    int listener_count;
    apr_socket_t **sockets;
    apr_int64_t *connections; /* by listener */
    apr_pollset_t *pollset;
    apr_thread_t *thread;
    atomic_bool stopping;
    net_t *const *nets;
    int net_count;
    queue_t *released;
    apr_hash_t *tallies;
    int spare; /* a descriptor kept for when there are no others */
} acceptor;

/* ---- Opening ---- */

static apr_status_t socket_open(const config_listener_t *listener, apr_pool_t *pool,
                                apr_socket_t **socket_r)
{
    apr_sockaddr_t *address;
    apr_status_t rv =
        apr_sockaddr_info_get(&address, listener->host, APR_UNSPEC, listener->port, 0, pool);
    if (rv != APR_SUCCESS) return rv;
    rv = apr_socket_create(socket_r, address->family, SOCK_STREAM, APR_PROTO_TCP, pool);
    if (rv != APR_SUCCESS) return rv;
    apr_socket_opt_set(*socket_r, APR_SO_REUSEADDR, 1);
    apr_socket_opt_set(*socket_r, APR_SO_NONBLOCK, 1);
    apr_socket_timeout_set(*socket_r, 0);
    if (address->family == APR_INET6) apr_socket_opt_set(*socket_r, APR_IPV6_V6ONLY, 1);
    rv = apr_socket_bind(*socket_r, address);
    if (rv != APR_SUCCESS) return rv;
    return apr_socket_listen(*socket_r, BACKLOG);
}

static void opened_log(apr_socket_t *socket)
{
    apr_sockaddr_t *address;
    char *ip;
    apr_socket_addr_get(&address, APR_LOCAL, socket);
    apr_sockaddr_ip_get(&ip, address);
    log_notice(address->family == APR_INET6 ? "listening on [%s]:%d" : "listening on %s:%d", ip,
               address->port);
}

static void poll_add(int listener)
{
    apr_pollfd_t poll = { .p = acceptor.pool,
                          .desc_type = APR_POLL_SOCKET,
                          .reqevents = APR_POLLIN,
                          .desc.s = acceptor.sockets[listener],
                          .client_data = &acceptor.connections[listener] };
    apr_pollset_add(acceptor.pollset, &poll);
}

const char *acceptor_open(apr_pool_t *pool, const config_t *config)
{
    int count = config->listener_count;
    acceptor.pool = pool;
    acceptor.config = config;
    acceptor.listener_count = count;
    acceptor.sockets = apr_pcalloc(pool, sizeof(*acceptor.sockets) * (apr_size_t)count);
    acceptor.connections = apr_pcalloc(pool, sizeof(*acceptor.connections) * (apr_size_t)count);
    acceptor.tallies = apr_hash_make(pool);
    acceptor.released = queue_make(pool, NULL, NULL);
    acceptor.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    apr_pollset_create(&acceptor.pollset, (apr_uint32_t)count + 1, pool, APR_POLLSET_WAKEABLE);
    for (int i = 0; i < count; i++) {
        apr_status_t rv = socket_open(&config->listeners[i], pool, &acceptor.sockets[i]);
        if (rv != APR_SUCCESS) {
            char text[120];
            return apr_psprintf(pool, "cannot listen on %s: %s", config->listeners[i].address,
                                apr_strerror(rv, text, sizeof(text)));
        }
        opened_log(acceptor.sockets[i]);
        poll_add(i);
    }
    return NULL;
}

/* ---- Limits ---- */

static tally_t *tally_find(apr_uint64_t group, int listener)
{
    struct key_t key = { .group = group, .listener = listener };
    tally_t *tally = apr_hash_get(acceptor.tallies, &key, sizeof(key));
    if (tally != NULL) return tally;
    tally = calloc(1, sizeof(*tally));
    if (tally == NULL) abort();
    tally->key = key;
    apr_hash_set(acceptor.tallies, &tally->key, sizeof(key), tally);
    return tally;
}

static void tally_drop(tally_t *tally)
{
    if (tally->count > 0) return;
    apr_hash_set(acceptor.tallies, &tally->key, sizeof(tally->key), NULL);
    free(tally);
}

static void released_count(void)
{
    queue_list_t list = queue_take(acceptor.released);
    release_t *release;
    while ((release = (release_t *)queue_list_pop(&list)) != NULL) {
        tally_t *tally = tally_find(release->group, release->listener);
        tally->count--;
        acceptor.connections[release->listener]--;
        tally_drop(tally);
        free(release);
    }
}

void acceptor_released(const char *address, int listener)
{
    release_t *release = malloc(sizeof(*release));
    if (release == NULL) abort();
    release->group = address_group(address);
    release->listener = listener;
    queue_push(acceptor.released, &release->node);
}

static bool admitted(const char *address, int listener)
{
    const config_listener_t *config = &acceptor.config->listeners[listener];
    tally_t *tally = tally_find(address_group(address), listener);
    bool full = config->max_connections > 0 &&
                acceptor.connections[listener] >= config->max_connections;
    bool proxy = address_listed(address, config->proxies);
    if (!full && (config->max_per_ip == 0 || proxy || tally->count < config->max_per_ip)) {
        tally->count++;
        acceptor.connections[listener]++;
        return true;
    }
    metrics_add(METRIC_CONNECTIONS_REFUSED, 1);
    if (log_limited())
        log_notice("%s: too many connections%s; closing", address,
                   full ? "" : " from this address");
    tally_drop(tally);
    return false;
}

/* ---- Accepting ---- */

static net_t *least_loaded(void)
{
    net_t *best = acceptor.nets[0];
    for (int i = 1; i < acceptor.net_count; i++)
        if (net_load(acceptor.nets[i]) < net_load(best)) best = acceptor.nets[i];
    return best;
}

static void hand_over(int fd, int listener)
{
    char address[ADDRESS_TEXT];
    if (!address_of_peer(fd, address) || !admitted(address, listener)) {
        close(fd);
        return;
    }
    net_note_t *note = net_note(NET_ADOPT, (conn_ref_t){ 0 });
    note->as.adopt.fd = fd;
    note->as.adopt.listener = listener;
    apr_cpystrn(note->as.adopt.address, address, ADDRESS_TEXT);
    net_post(least_loaded(), note);
}

/* Gives up the spare to take one connection off the queue, whose client then sees it closed. */
static void descriptors_exhausted(int listening)
{
    close(acceptor.spare);
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0) close(fd);
    acceptor.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    metrics_add(METRIC_CONNECTIONS_REFUSED, 1);
    if (log_limited()) log_error("no file descriptors left; new connections wait");
    apr_sleep(PAUSE);
}

static void accept_some(int listener)
{
    apr_os_sock_t listening;
    apr_os_sock_get(&listening, acceptor.sockets[listener]);
    released_count();
    for (int i = 0; i < PER_TURN; i++) {
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) hand_over(fd, listener);
        else if (errno == EMFILE || errno == ENFILE) descriptors_exhausted(listening);
        if (fd < 0 && errno != ECONNABORTED && errno != EINTR) return;
    }
}

static void *APR_THREAD_FUNC acceptor_run(apr_thread_t *thread, void *baton)
{
    (void)thread, (void)baton;
    while (!acceptor.stopping) {
        apr_int32_t count = 0;
        const apr_pollfd_t *ready;
        apr_pollset_poll(acceptor.pollset, -1, &count, &ready);
        for (int i = 0; i < count && !acceptor.stopping; i++) {
            const apr_int64_t *connections = ready[i].client_data;
            accept_some((int)(connections - acceptor.connections));
        }
    }
    return NULL;
}

apr_status_t acceptor_start(net_t *const *nets, int count)
{
    acceptor.nets = nets;
    acceptor.net_count = count;
    return apr_thread_create(&acceptor.thread, NULL, acceptor_run, NULL, acceptor.pool);
}

void acceptor_reload(const config_t *config)
{
    acceptor.config = config;
}

void acceptor_stop(void)
{
    apr_status_t rv;
    acceptor.stopping = true;
    apr_pollset_wakeup(acceptor.pollset);
    apr_thread_join(&rv, acceptor.thread);
    for (int i = 0; i < acceptor.listener_count; i++) apr_socket_close(acceptor.sockets[i]);
}
