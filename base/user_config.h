/* user_config: $XDG_CONFIG_HOME/moss/config.json (else ~/.config/moss/config.json): the user's
 * defaults, with the keys of Docker's daemon.json where there are such. */
#ifndef BASE_USER_CONFIG_H
#define BASE_USER_CONFIG_H

#include "base/json.h"

struct err;

/* *config is a new reference, NULL where there is no such file. */
int user_config_read(json_t **config, struct err *e);

#endif
