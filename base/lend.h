/* lend: a descriptor from where this process cannot or will not go itself (another mount
 * namespace): a child goes there, opens it into the table of descriptors that both share, and ends.
 */
#ifndef BASE_LEND_H
#define BASE_LEND_H

struct err;

/* Runs fn in the child; what it returns (a descriptor, another number, a negative errno with e set)
 * is the result. The child shares descriptors, and nothing else: fn closes only what it opens. */
int lend_call(int (*fn)(void *arg, struct err *e), void *arg, struct err *e);

#endif
