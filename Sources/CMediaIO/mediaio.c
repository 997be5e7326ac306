#define _GNU_SOURCE
#include "CMediaIO.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

static int result(int value) { return value < 0 ? -errno : value; }
static int quiet(int value) { return value < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : result(value); }

struct cmio_batch {
    struct mmsghdr headers[CMIO_BATCH];
    struct iovec vectors[CMIO_BATCH];
    struct sockaddr_in6 sources[CMIO_BATCH];
    uint8_t slots[CMIO_BATCH][CMIO_SLOT] __attribute__((aligned(64)));
};

cmio_batch *cmio_batch_create(void) {
    cmio_batch *batch = aligned_alloc(64, sizeof *batch);
    for (int i = 0; batch && i < CMIO_BATCH; i++) {
        batch->vectors[i] = (struct iovec){batch->slots[i], CMIO_LONGEST};
        batch->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->sources[i], .msg_namelen = sizeof batch->sources[i],
            .msg_iov = &batch->vectors[i], .msg_iovlen = 1};
    }
    return batch;
}

int cmio_receive(cmio_batch *batch, int fd) {
    int count = quiet(recvmmsg(fd, batch->headers, CMIO_BATCH, MSG_DONTWAIT, NULL));
    // The kernel shortened the space for each name to what it wrote; the next call must offer all of it again.
    for (int i = 0; i < count; i++) batch->headers[i].msg_hdr.msg_namelen = sizeof batch->sources[i];
    return count;
}

void *cmio_batch_data(cmio_batch *batch, int index) { return batch->slots[index]; }
const struct sockaddr_in6 *cmio_batch_source(const cmio_batch *batch, int index) { return &batch->sources[index]; }
int cmio_batch_length(const cmio_batch *batch, int index) {
    const struct mmsghdr *header = &batch->headers[index];
    return header->msg_hdr.msg_flags & MSG_TRUNC ? -1 : (int)header->msg_len;
}

int cmio_send(int fd, const struct sockaddr_in6 *to, socklen_t to_length, const cmio_packet *packets, int count) {
    if (count == 1)
        return sendto(fd, packets->data, packets->length, MSG_DONTWAIT, (struct sockaddr *)to, to_length) < 0 ? -errno : 1;
    struct mmsghdr headers[CMIO_BATCH];
    struct iovec vectors[CMIO_BATCH];
    if (count > CMIO_BATCH) count = CMIO_BATCH;
    for (int i = 0; i < count; i++) {
        vectors[i] = (struct iovec){packets[i].data, packets[i].length};
        headers[i].msg_hdr = (struct msghdr){
            .msg_name = (void *)to, .msg_namelen = to_length, .msg_iov = &vectors[i], .msg_iovlen = 1};
    }
    return result(sendmmsg(fd, headers, (unsigned)count, MSG_DONTWAIT));
}

int cmio_epoll_open(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }
int cmio_epoll_add(int epoll, int fd, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
    return result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}
int cmio_epoll_wait(int epoll, uint64_t *tokens, int capacity, int milliseconds) {
    struct epoll_event events[256];
    int count = quiet(epoll_wait(epoll, events, capacity < 256 ? capacity : 256, milliseconds));
    for (int i = 0; i < count; i++) tokens[i] = events[i].data.u64;
    return count;
}

int cmio_event_open(void) { return result(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }
void cmio_event_signal(int fd) { eventfd_write(fd, 1); }
void cmio_event_clear(int fd) { eventfd_read(fd, &(eventfd_t){0}); }
uint64_t cmio_clock(int clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
void cmio_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
