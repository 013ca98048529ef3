/* names: names for containers that were given none: adjective_surname, of people who moved science
 * and computing on. */
#ifndef ENGINE_NAMES_H
#define ENGINE_NAMES_H

/* A random one; owned. retry > 0 (the name was taken) appends a digit. */
char *name_generate(int retry);

#endif
