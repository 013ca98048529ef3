/* roles: the two helper programs that touch foreign bytes, by what they link.
 *
 *   moss-transfer fetch   the network: libcurl with TLS and all that belongs to it
 *   moss-unpack           documents, layers, archives: hashes and decompressors, no network code
 *
 * Two programs, because loading what the other one needs would cost each unpacker (several a
 * pull) 6 ms, and because an unpacker that is taken over finds no HTTP client in itself.
 */
#ifndef ENGINE_TRANSFER_ROLES_H
#define ENGINE_TRANSFER_ROLES_H

struct err;

enum { TRANSFER_SOCK = 3 }; /* the control socket's number */

/* Serves requests from the control socket until its end. A request's failure is answered there;
 * a negative result means that not even that was possible. */
int fetch_role_run(int sock, struct err *e);
int unpack_role_run(int sock, struct err *e);

/* The fetcher's request "url": confines the process and writes what is at the URL to `out`. */
int fetch_url(const char *url, int out, struct err *e);

/* What both mains do: checks that moss started the program, runs the role, ends the process. */
_Noreturn void role_main(const char *program, int (*run)(int sock, struct err *e));

#endif
