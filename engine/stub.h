/* stub: what moss-init (init_main.c) and the launcher have to agree on. No types of libc's: the
 * stub has none. */
#ifndef ENGINE_STUB_H
#define ENGINE_STUB_H

/* argv[1] of the stub: go on as it is, or as a child in the pid namespace that was prepared for its
 * children (launch.h, "builder"). */
#define STUB_STAY "--"
#define STUB_FORK "-f"

/* The first int of a message of two, the second is the pid of the new process as its parent sees
 * it. One int alone is the stub's "ready" (0) or the errno of a failed exec. */
enum { STUB_INIT = 0x696e6974 };

#endif
