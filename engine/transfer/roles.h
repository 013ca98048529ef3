/* roles: what moss-transfer can be; each role has one file and one row in main.c's table. */
#ifndef ENGINE_TRANSFER_ROLES_H
#define ENGINE_TRANSFER_ROLES_H

struct err;

enum { TRANSFER_SOCK = 3 }; /* the control socket's number */

/* Serves requests from the control socket until its end. A request's failure is answered there;
 * a negative result means that not even that was possible. */
int fetch_role_run(int sock, struct err *e);
int unpack_role_run(int sock, struct err *e);

#endif
