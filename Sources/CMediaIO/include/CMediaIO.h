// What Swift cannot reach: epoll, eventfd, recvmmsg/sendmmsg, and libsrtp's crypto on OpenSSL.
// Functions return 0 or a count, or a negative errno; only cmio_batch_create allocates.
#pragma once
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CMIO_BATCH = 32,     // packets read or sent with one system call
    CMIO_SLOT = 2048,    // octets of memory for one packet
    CMIO_LONGEST = 1800, // octets received at most; the rest of the slot is for SRTP's trailer
};

typedef struct { // octets to send; the memory stays the caller's
    void *data;
    size_t length;
} cmio_packet;

typedef struct cmio_batch cmio_batch; // the slab that sockets are read into
cmio_batch *cmio_batch_create(void); // ended by free()
// Reads up to CMIO_BATCH datagrams; 0 when the socket is dry.
int cmio_receive(cmio_batch *batch, int fd);
void *cmio_batch_data(cmio_batch *batch, int index);
// Length of a datagram, or -1 when it was longer than CMIO_LONGEST.
int cmio_batch_length(const cmio_batch *batch, int index);
const struct sockaddr_in6 *cmio_batch_source(const cmio_batch *batch, int index); // or a sockaddr_in in its place
// Sends up to CMIO_BATCH packets to one address: the number that the kernel took, or a negative errno if it took none.
int cmio_send(int fd, const struct sockaddr_in6 *to, socklen_t to_length, const cmio_packet *packets, int count);

int cmio_epoll_open(void);
int cmio_epoll_add(int epoll, int fd, uint64_t token);
// Waits up to `milliseconds` and writes the tokens of readable descriptors.
int cmio_epoll_wait(int epoll, uint64_t *tokens, int capacity, int milliseconds);
int cmio_event_open(void); // an eventfd, non-blocking
void cmio_event_signal(int fd);
void cmio_event_clear(int fd);
enum { CMIO_REALTIME = 0, CMIO_MONOTONIC = 1, CMIO_THREAD_CPU = 3 }; // clockid_t of Linux
uint64_t cmio_clock(int clock); // nanoseconds
void cmio_name_thread(const char *name); // the calling one

typedef struct { // status: srtp_err_status_t; step: 0 installed, 1 srtp_init failed, 2 AES refused, 3 HMAC refused
    int status, step;
} cmio_kernel_result;
// srtp_init(), then our AES-128-CM and HMAC-SHA1 in place of libsrtp's, which runs its self tests over them. Call once.
// After step 1 SRTP is unusable; after steps 2 and 3 libsrtp goes on with its own.
cmio_kernel_result cmio_srtp_install(void);
uint64_t cmio_srtp_keys_set(void); // how often ours were given keys: proof that libsrtp uses them
