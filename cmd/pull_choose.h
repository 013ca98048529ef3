/* pull_choose: which of several images a short name means, asked on the terminal. */
#ifndef CMD_PULL_CHOOSE_H
#define CMD_PULL_CHOOSE_H

struct err;
struct strv;

/* As pull_options.choose (engine/transfer/pull.h). Asks on stderr, reads stdin; both must be
 * terminals. */
int pull_choose(const char *typed, const struct strv *names, struct err *e);

#endif
