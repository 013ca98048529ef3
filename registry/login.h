/* login: are the credentials of a client good at its registry?
 *
 * Asks for /v2/ as every client of a registry does, answers its challenge, and asks again. Where
 * the token server gives a refresh token, that is kept instead of the password (an identity token).
 * For the confined process. */
#ifndef REGISTRY_LOGIN_H
#define REGISTRY_LOGIN_H

struct client;
struct err;

/* 0, *identity_token (owned, NULL = none) set; a registry that asks nobody takes everybody. */
int login_check(struct client *c, char **identity_token, const char **kind, struct err *e);

#endif
