/* Put in front of the C library (LD_PRELOAD), it makes a program choose otherwise, as OTHERWISE says:
 *
 *   delay      leaves TCP_NODELAY out
 *   quickack   asks for TCP_QUICKACK after each read
 *   receive=N  sets SO_RCVBUF to so many octets
 *   count      tells at the end how many times memory was asked for
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int set_option(int, int, int, const void *, socklen_t);

static set_option *set;
static ssize_t (*receive)(int, void *, size_t, int);
static int delay, quickack, receive_buffer, count;
static atomic_long asked;

__attribute__((constructor)) static void begin(void) {
    const char *otherwise = getenv("OTHERWISE");
    set = (set_option *)dlsym(RTLD_NEXT, "setsockopt");
    receive = (ssize_t (*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");
    if (otherwise == NULL)
        return;
    delay = strcmp(otherwise, "delay") == 0;
    quickack = strcmp(otherwise, "quickack") == 0;
    count = strcmp(otherwise, "count") == 0;
    if (strncmp(otherwise, "receive=", 8) == 0)
        receive_buffer = atoi(otherwise + 8);
}

__attribute__((destructor)) static void end(void) {
    if (count)
        dprintf(STDERR_FILENO, "asked for memory %ld times\n", atomic_load(&asked));
}

int setsockopt(int socket, int level, int option, const void *value, socklen_t length) {
    if (level == IPPROTO_TCP && option == TCP_NODELAY) {
        if (receive_buffer)
            set(socket, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        if (delay)
            return 0;
    }
    return set(socket, level, option, value, length);
}

ssize_t recv(int socket, void *buffer, size_t length, int flags) {
    ssize_t received = receive(socket, buffer, length, flags);
    if (quickack && received > 0) {
        int on = 1;
        set(socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    }
    return received;
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *malloc(size_t octets) {
    atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
    return __libc_malloc(octets);
}

void *calloc(size_t number, size_t octets) {
    atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
    return __libc_calloc(number, octets);
}

void *realloc(void *old, size_t octets) {
    atomic_fetch_add_explicit(&asked, 1, memory_order_relaxed);
    return __libc_realloc(old, octets);
}
