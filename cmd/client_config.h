/* client_config: Docker's client configuration, config.json. */
#ifndef CMD_CLIENT_CONFIG_H
#define CMD_CLIENT_CONFIG_H

struct globals;

/* A text of config.json (--config, else $DOCKER_CONFIG, else ~/.docker), such as "psFormat"; NULL
 * where there is none, or no readable file. Owned. */
char *client_config_text(const struct globals *g, const char *key);

#endif
