#pragma once

/* Without any header of the system: what those declare belongs to the modules that import them. */

/* Why there is no answer. */
enum { RESOLV_NO_RECORD = -1, RESOLV_FAILED = -2 };

/* Asks the name servers of /etc/resolv.conf for records of class IN, with its search list, times and number of tries.
   Blocks. Returns the length of the answer, at most `capacity`, or RESOLV_NO_RECORD when there is no such name or no such
   record, or RESOLV_FAILED when nobody answered. */
int resolv_search(const char *name, int type, unsigned char *answer, int capacity);
