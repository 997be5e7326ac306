#include "CResolv.h"

#include <netinet/in.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>

int resolv_search(const char *name, int type, unsigned char *answer, int capacity) {
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return RESOLV_FAILED;
    int length = res_nsearch(&state, name, ns_c_in, type, answer, capacity);
    int code = state.res_h_errno;
    res_nclose(&state);
    if (length >= 0) return length < capacity ? length : capacity;
    return code == HOST_NOT_FOUND || code == NO_DATA ? RESOLV_NO_RECORD : RESOLV_FAILED;
}
