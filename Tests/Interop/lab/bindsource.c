/*
 * Preloaded into baresip, which lets the kernel choose the addresses that it calls from: gives its IPv4 sockets the one
 * in BIND_SOURCE. An explicit bind to any address becomes a bind to it; a socket that connects without having been bound
 * is bound first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef int socket_call(int, const struct sockaddr *, socklen_t);

static bool source_address(struct in_addr *address)
{
    const char *text = getenv("BIND_SOURCE");
    return text != NULL && inet_aton(text, address) != 0;
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    socket_call *next = (socket_call *)dlsym(RTLD_NEXT, "bind");
    struct sockaddr_in changed;

    if (address == NULL || address->sa_family != AF_INET || length < sizeof changed)
        return next(fd, address, length);
    memcpy(&changed, address, sizeof changed);
    if (changed.sin_addr.s_addr == htonl(INADDR_ANY))
        source_address(&changed.sin_addr);
    return next(fd, (const struct sockaddr *)&changed, sizeof changed);
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    socket_call *next = (socket_call *)dlsym(RTLD_NEXT, "connect");
    struct sockaddr_in local = {0};
    socklen_t size = sizeof local;

    if (address != NULL && address->sa_family == AF_INET
        && getsockname(fd, (struct sockaddr *)&local, &size) == 0
        && local.sin_port == 0 && source_address(&local.sin_addr)) {
        local.sin_family = AF_INET;
        bind(fd, (const struct sockaddr *)&local, sizeof local);
    }
    return next(fd, address, length);
}
